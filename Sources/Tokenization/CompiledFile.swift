// Compiled tokenizers in files: written once, mapped from then on. A file that is foreign, of another version or
// damaged is as good as none.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension Tokenizer {
    /// Takes the compiled form from a file, or makes it and tries to write it there.
    ///
    /// - Parameters:
    ///   - path: in a folder that exists; nil: always make it.
    ///   - identity: of everything that `define` depends on, such as a SHA-256 of the tokenizer's files.
    ///   - define: reads the definition; only called where the file is of no use.
    package convenience init(
        cache path: String?, identity: [UInt8], define: () throws(TokenizerError) -> TokenizerDefinition
    ) throws(TokenizerError) {
        if let path, let file = CompiledFile(path: path), let compiled = file.tokenizer(identity) {
            CompiledTokenizers.noteUse(of: path)
            self.init(compiled)
            return
        }
        let compiled = try CompiledTokenizer(define())
        if let path { CompiledFile.write(compiled, identity, to: path) }
        self.init(compiled)
    }
}

/// A mapped file. It stays mapped as long as any table in it is in use.
final class CompiledFile {
    /// Another layout, or another meaning of what is in it, is another version.
    static let magic = Array("docproc tokens 2".utf8)
    private static let alignment = 64
    private static let sections = 9

    private let base: UnsafeMutableRawPointer
    private let count: Int

    init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size >= Self.headerBytes, status.st_size < 1 << 31,
            let start = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
        else { return nil }
        base = start
        count = Int(status.st_size)
    }

    deinit { munmap(base, count) }

    // Header: magic (16 bytes), identity (32), checksum of all that follows (8), its length (8), then offset and length
    // of each section (16 each). Sections start at multiples of 64.
    private static let checkedFrom = 64
    private static let headerBytes = (checkedFrom + sections * 16 + alignment - 1) / alignment * alignment

    /// The tables, if the file is whole and was made from the same thing.
    func tokenizer(_ identity: [UInt8]) -> CompiledTokenizer? {
        let bytes = UnsafeRawBufferPointer(start: base, count: count)
        let checked = UnsafeRawBufferPointer(rebasing: bytes[Self.checkedFrom...])
        guard bytes[..<16].elementsEqual(Self.magic), bytes[16..<48].elementsEqual(Self.padded(identity)),
            bytes.load(fromByteOffset: 56, as: UInt64.self) == UInt64(checked.count),
            bytes.load(fromByteOffset: 48, as: UInt64.self) == Self.checksum(checked)
        else { return nil }
        var places: [UnsafeRawBufferPointer] = []
        for section in 0..<Self.sections {
            let offset = bytes.load(fromByteOffset: Self.checkedFrom + section * 16, as: Int.self)
            let length = bytes.load(fromByteOffset: Self.checkedFrom + section * 16 + 8, as: Int.self)
            guard offset >= Self.headerBytes, offset % Self.alignment == 0, length >= 0, offset <= count,
                length <= count - offset
            else { return nil }
            places.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]))
        }
        func table<Element>(_ index: Int, _ type: Element.Type) -> Table<Element> {
            places[index].isEmpty ? Table([]) : Table(places[index], owner: self)
        }
        let numbers = table(0, Int32.self)
        guard let settings = CompiledTokenizer.Settings(numbers: (0..<numbers.count).map { numbers[$0] }) else {
            return nil
        }
        let strings = StringTable(bytes: table(1, UInt8.self), ends: table(2, UInt32.self))
        let vocabulary = Vocabulary(
            decoded: strings, kinds: table(3, UInt8.self), byteTokens: table(4, Int32.self),
            index: ByteStringIndex(strings, slots: table(5, ByteStringIndex.Slot.self)),
            longestEntry: settings.longestEntry, isByteLevel: settings.isByteLevel)
        let isScored = settings.model == .scored
        return CompiledTokenizer(
            settings: settings, vocabulary: vocabulary,
            merges: isScored ? Table([]) : table(6, RankedMerges.Entry.self),
            ranks: isScored ? table(6, UInt32.self) : Table([]),
            borders: settings.isByteLevel
                ? nil : PairBorders(ascii: table(7, UInt8.self), others: table(8, UInt64.self)))
    }

    /// Writes a file beside the place and renames it. Where that fails there is none, and nobody is told: a cache is
    /// no result.
    static func write(_ compiled: CompiledTokenizer, _ identity: [UInt8], to path: String) {
        let numbers = Table(compiled.settings.numbers)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let vocabulary = compiled.vocabulary
        let contents = [
            numbers.rawBytes, vocabulary.decoded.bytes.rawBytes, vocabulary.decoded.ends.rawBytes,
            vocabulary.kinds.rawBytes, vocabulary.byteTokens.rawBytes, vocabulary.index.slots.rawBytes,
            compiled.settings.model == .scored ? compiled.ranks.rawBytes : compiled.merges.rawBytes,
            compiled.borders?.ascii.rawBytes ?? none, compiled.borders?.others.rawBytes ?? none,
        ]
        var places: [(offset: Int, count: Int)] = []
        var end = headerBytes
        for content in contents {
            places.append((end, content.count))
            end += (content.count + alignment - 1) / alignment * alignment
        }
        let file = UnsafeMutableRawBufferPointer.allocate(byteCount: end, alignment: alignment)
        defer { file.deallocate() }
        file.initializeMemory(as: UInt8.self, repeating: 0)
        for (section, (place, content)) in zip(places, contents).enumerated() {
            file.storeBytes(of: place.offset, toByteOffset: checkedFrom + section * 16, as: Int.self)
            file.storeBytes(of: place.count, toByteOffset: checkedFrom + section * 16 + 8, as: Int.self)
            UnsafeMutableRawBufferPointer(rebasing: file[place.offset..<place.offset + place.count])
                .copyMemory(from: content)
        }
        let checked = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file)[checkedFrom...])
        file[..<16].copyBytes(from: magic)
        file[16..<48].copyBytes(from: padded(identity))
        file.storeBytes(of: checksum(checked), toByteOffset: 48, as: UInt64.self)
        file.storeBytes(of: UInt64(checked.count), toByteOffset: 56, as: UInt64.self)

        let partial = path + ".\(getpid()).partial"
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        var written = 0
        while written < end {
            let count = systemWrite(
                descriptor, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file)[written...]))
            if count <= 0 { break }
            written += count
        }
        if close(descriptor) != 0 || written < end || rename(partial, path) != 0 { unlink(partial) }
    }

    private static func padded(_ identity: [UInt8]) -> [UInt8] {
        Array((identity + [UInt8](repeating: 0, count: 32)).prefix(32))
    }

    /// Finds damage, not ill will. Four sums of products side by side: some tens of gigabytes a second.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let start = bytes.baseAddress else { return 0 }
        var sums = SIMD4<UInt64>(0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 1)
        var a = sums[0]
        var b = sums[1]
        var c = sums[2]
        var d = sums[3]
        var offset = 0
        while offset + 32 <= bytes.count {
            sums = (start + offset).loadUnaligned(as: SIMD4<UInt64>.self)
            a = (a ^ sums[0]) &* 0x9FB2_1C65_1E98_DF25
            b = (b ^ sums[1]) &* 0x9FB2_1C65_1E98_DF25
            c = (c ^ sums[2]) &* 0x9FB2_1C65_1E98_DF25
            d = (d ^ sums[3]) &* 0x9FB2_1C65_1E98_DF25
            a ^= a &>> 32
            b ^= b &>> 32
            c ^= c &>> 32
            d ^= d &>> 32
            offset += 32
        }
        while offset < bytes.count {
            a = (a ^ UInt64(bytes[offset])) &* 0x9FB2_1C65_1E98_DF25
            offset += 1
        }
        for value in [b, c, d, UInt64(bytes.count)] {
            a = (a ^ value) &* 0x9FB2_1C65_1E98_DF25
            a ^= a &>> 29
        }
        return a
    }
}

extension CompiledTokenizer.Settings {
    private static let rules = TokenizerDefinition.PreTokenizer.allCases
    private static let prefixes: [TokenizerDefinition.SpacePrefix] = [
        .never, .eachText, .eachTextWithoutOne, .firstTextWithoutOne,
    ]

    /// As a list of numbers; sets and their like with their count in front.
    var numbers: [Int32] {
        let rule: Int32 =
            switch model {
            case .scored: -1
            case .ranked: -2
            case .byteLevel(let rule): Int32(Self.rules.firstIndex(of: rule) ?? 0)
            }
        var all: [Int32] = [
            rule, normalizesToNFC ? 1 : 0, ignoresMerges ? 1 : 0, addsBOS ? 1 : 0, bos ?? -1, unknown ?? -1,
            Int32(Self.prefixes.firstIndex(of: spacePrefix) ?? 0), Int32(longestEntry),
        ]
        for set in [stopTokens, suppressedTokens] { all += [Int32(set.count)] + set.sorted() }
        all.append(Int32(trimming.count))
        for (id, trim) in trimming.sorted(by: { $0.key < $1.key }) {
            all += [id, trim.before ? 1 : 0, trim.after ? 1 : 0]
        }
        return all
    }

    init?(numbers: [Int32]) {
        var rest = numbers[...]
        func take(_ rest: inout ArraySlice<Int32>, _ count: Int32) -> [Int32]? {
            guard count >= 0, count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(Int(count)) }
            return Array(rest.prefix(Int(count)))
        }
        guard let fixed = take(&rest, 8), fixed[0] >= -2, fixed[0] < Self.rules.count,
            Self.prefixes.indices.contains(Int(fixed[6])),
            let stops = take(&rest, 1).flatMap({ take(&rest, $0[0]) }),
            let suppressed = take(&rest, 1).flatMap({ take(&rest, $0[0]) }), let trims = take(&rest, 1)
        else { return nil }
        model = fixed[0] == -1 ? .scored : fixed[0] == -2 ? .ranked : .byteLevel(Self.rules[Int(fixed[0])])
        normalizesToNFC = fixed[1] != 0
        ignoresMerges = fixed[2] != 0
        addsBOS = fixed[3] != 0
        bos = fixed[4] < 0 ? nil : fixed[4]
        unknown = fixed[5] < 0 ? nil : fixed[5]
        spacePrefix = Self.prefixes[Int(fixed[6])]
        longestEntry = Int(fixed[7])
        stopTokens = Set(stops)
        suppressedTokens = Set(suppressed)
        trimming = [:]
        for _ in 0..<max(0, trims[0]) {
            guard let trim = take(&rest, 3) else { return nil }
            trimming[trim[0]] = .init(before: trim[1] != 0, after: trim[2] != 0)
        }
    }
}

/// The system's own, beside a function of the same name.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
