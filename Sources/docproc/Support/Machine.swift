import Glibc
import SystemPackage

/// What this machine offers.
enum Machine {
    /// Processors this process may run on.
    static var cores: Int {
        let list = SmallFile.read("/proc/self/status")?.split(separator: "\n").first {
            $0.hasPrefix("Cpus_allowed_list:")
        }
        let ranges = (list?.split(separator: "\t").last ?? "").split(separator: ",")
        let count = ranges.reduce(0) { count, range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            return count + (ends.count == 2 ? ends[1] - ends[0] + 1 : ends.count)
        }
        return count > 0 ? count : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    /// Bytes of memory of the machine.
    static var memory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// Bytes that could be given to a program now.
    static var availableMemory: Int? {
        field("MemAvailable:", in: "/proc/meminfo")
    }

    /// The limit of the control group, where one is set.
    static var groupMemoryLimit: Int? {
        for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            if let text = SmallFile.read(path), let value = Int(text.filter(\.isNumber)), value < memory {
                return value
            }
        }
        return nil
    }

    /// The processor's name.
    static var processor: String? {
        SmallFile.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":").dropFirst().first.map { String($0.drop { $0 == " " }) }
    }

    /// The features of the processor that kernels care for.
    static var processorFeatures: [String] {
        guard let line = SmallFile.read("/proc/cpuinfo")?.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
        else { return [] }
        let flags = Set(line.split(separator: " "))
        let names = [
            ("avx2", "AVX2"), ("fma", "FMA"), ("f16c", "F16C"), ("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"),
            ("avx512_bf16", "BF16"),
        ]
        return names.compactMap { flags.contains(Substring($0.0)) ? $0.1 : nil }
    }

    /// Bytes free for this user on the file system of a path.
    static func freeDisk(at path: String) -> Int? {
        var information = statvfs()
        guard statvfs(path, &information) == 0 else { return nil }
        return Int(information.f_bavail) * Int(information.f_frsize)
    }

    private static func field(_ name: String, in path: String) -> Int? {
        SmallFile.read(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }.map { $0 * 1024 }
    }
}

/// What the file system says of a file.
enum FileFacts {
    /// Time of the last change, to the nanosecond, as a word.
    static func modified(_ path: String) -> String {
        var information = stat()
        guard stat(path, &information) == 0 else { return "unknown" }
        return "\(information.st_mtim.tv_sec).\(information.st_mtim.tv_nsec)"
    }

    /// The path from the root, links resolved where it exists.
    static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Whether something of that name is there.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether two paths lead to the same file or folder.
    static func isSame(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        return stat(first, &one) == 0 && stat(second, &other) == 0 && one.st_dev == other.st_dev
            && one.st_ino == other.st_ino
    }

    /// The folder that a file is in, or would be.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path without the folder.
    static func name(of path: String) -> String { FilePath(path).lastComponent?.string ?? path }

    /// Whether it is a folder.
    static func isFolder(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }
}

/// Plain walks of folders.
enum FileTree {
    /// All regular files at or below a path, sorted bytewise; links to folders are not followed.
    static func files(below path: String) -> [String] {
        guard FileFacts.isFolder(path) else { return [path] }
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var files: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let child = path.hasSuffix("/") ? path + name : path + "/" + name
            var information = stat()
            guard lstat(child, &information) == 0 else { continue }
            switch information.st_mode & S_IFMT {
            case S_IFDIR: files += Self.files(below: child)
            case S_IFREG: files.append(child)
            default: continue
            }
        }
        return files.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }
}
