// What the name of a GGUF file says: which part of a split it is, its quantization, whether it is only a companion.
// What is inside is GGUFFile's affair.

/// The name of a GGUF file, taken apart. Folders before the name are kept.
package struct ModelFileName: Sendable, Equatable {
    /// As given.
    package let path: String
    /// Without `.gguf` and without `-00001-of-00003`.
    package let base: String
    /// From 1.
    package let part: Int
    package let partCount: Int

    /// Takes a name apart; nil unless it ends in `.gguf`.
    package init?(_ path: String) {
        guard path.lowercased().hasSuffix(".gguf"), path.count > 5 else { return nil }
        self.path = path
        let stem = path.dropLast(5)
        // NAME-00001-of-00003: the field's name for parts.
        let words = stem.split(separator: "-", omittingEmptySubsequences: false)
        if words.count >= 4, words[words.count - 2] == "of", let part = Self.number(words[words.count - 3]),
            let count = Self.number(words[words.count - 1]), part >= 1, part <= count
        {
            base = words.dropLast(3).joined(separator: "-")
            self.part = part
            partCount = count
        } else {
            base = String(stem)
            part = 1
            partCount = 1
        }
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.count == 5 && digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
    }

    /// The name of another part of the same model.
    package func sibling(part: Int) -> String {
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return partCount == 1 ? path : "\(base)-\(padded(part))-of-\(padded(partCount)).gguf"
    }

    /// The last component of `base`.
    package var stem: String { base.split(separator: "/").last.map(String.init) ?? base }

    /// A vision or audio projector, or statistics of a quantization: no model by itself.
    package var isCompanion: Bool { isProjector || stem.lowercased().contains("imatrix") }

    /// A vision or audio projector.
    package var isProjector: Bool { stem.lowercased().contains("mmproj") }

    /// `Q4_K_M`, `BF16`, `MXFP4_MOE`, in upper case; from the name, else from the folder that holds it.
    package var quantization: String? {
        for component in base.split(separator: "/").suffix(2).reversed() {
            if let found = Self.quantization(in: component.uppercased()) { return found }
        }
        return nil
    }

    private static func quantization(in name: String) -> String? {
        for word in name.split(whereSeparator: { $0 == "-" || $0 == "." }).reversed() {
            var rest = word
            while true {
                if isQuantization(rest) { return String(rest) }
                guard let underscore = rest.firstIndex(of: "_") else { break }
                rest = rest[rest.index(after: underscore)...]
            }
        }
        return nil
    }

    private static func isQuantization(_ word: Substring) -> Bool {
        if ["F16", "FP16", "BF16", "F32", "FP32"].contains(word) { return true }
        guard let prefix = ["MXFP", "IQ", "TQ", "Q"].first(where: { word.hasPrefix($0) }) else { return false }
        return word.dropFirst(prefix.count).first?.isNumber == true
    }
}

/// The files of one model in the GGUF format: one, or all parts of a split.
package struct ModelFileGroup: Sendable, Equatable {
    /// See `ModelFileName.base`.
    package let base: String
    /// In the order of the parts.
    package let files: [String]
    package let quantization: String?
    /// The last component of `base`.
    package let stem: String

    /// The models among files, sorted by name; companions and splits with a missing part are left out.
    package static func groups(of paths: [String]) -> [ModelFileGroup] {
        let names = paths.compactMap { ModelFileName($0) }.filter { !$0.isCompanion }
        return Dictionary(grouping: names) { "\($0.base)/\($0.partCount)" }.values.compactMap { parts in
            let parts = parts.sorted { $0.part < $1.part }
            guard let first = parts.first, parts.map(\.part) == Array(1...first.partCount) else { return nil }
            return ModelFileGroup(
                base: first.base, files: parts.map(\.path), quantization: first.quantization, stem: first.stem)
        }.sorted { $0.base < $1.base }
    }
}
