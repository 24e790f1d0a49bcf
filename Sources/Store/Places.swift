// Where docproc keeps things: the XDG directories and the variables that move them.
//
// Owns names only, plus the one way directories are made (mode 0700, parents too). What lies inside the cache is
// `CorpusStore`'s affair, what lies inside a run is `Runs`'s.

package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The directories of this user, resolved from an environment.
package struct Places: Sendable, Equatable {
    /// Text, results and the index: `$DOCPROC_CACHE_DIR`, else `$XDG_CACHE_HOME/docproc`, else `~/.cache/docproc`.
    package var cache: String
    /// Model files: `$DOCPROC_MODELS_DIR`, else `$XDG_DATA_HOME/docproc/models`, else `~/.local/share/docproc/models`.
    package var models: String
    /// Run folders: `$DOCPROC_RUNS_DIR`, else `$XDG_STATE_HOME/docproc/runs`, else `~/.local/state/docproc/runs`.
    package var runs: String
    /// The user's settings folder: `$XDG_CONFIG_HOME/docproc`, else `~/.config/docproc`.
    package var settings: String

    /// Keys and values of prompts, by model.
    package var keysAndValues: FilePath { FilePath(cache).appending("kv") }

    /// Digests of model files.
    package var digests: FilePath { FilePath(cache).appending("digests") }

    /// Resolves the directories. Relative values of `XDG_*` are ignored, as the XDG specification demands.
    ///
    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - cacheDirectory: the value of `--cache-dir`; stronger than any variable.
    package init(environment: [String: String], cacheDirectory: String? = nil) {
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/"
        func base(_ variable: String, _ fallback: String) -> String {
            if let value = environment[variable], value.hasPrefix("/") { return value }
            return FilePath(home).appending(fallback).string
        }
        func place(_ own: String, _ variable: String, _ fallback: String, _ tail: String) -> String {
            if let value = environment[own], !value.isEmpty { return value }
            return FilePath(base(variable, fallback)).appending(tail).string
        }
        let given = cacheDirectory.flatMap { $0.isEmpty ? nil : $0 }
        cache = given ?? place("DOCPROC_CACHE_DIR", "XDG_CACHE_HOME", ".cache", "docproc")
        models = place("DOCPROC_MODELS_DIR", "XDG_DATA_HOME", ".local/share", "docproc/models")
        runs = place("DOCPROC_RUNS_DIR", "XDG_STATE_HOME", ".local/state", "docproc/runs")
        settings = FilePath(base("XDG_CONFIG_HOME", ".config")).appending("docproc").string
    }
}

/// Makes directories that only their owner may enter.
package enum PrivateDirectory {
    /// Makes a directory and those above it where missing. Ones that exist keep their mode, except the last: if it
    /// is ours and open to others, it is closed to them.
    ///
    /// - Throws: `StoreError.noPermission`, `.full` or `.io` with the path that failed.
    package static func create(_ path: String) throws(StoreError) {
        try make(FilePath(path).lexicallyNormalized(), last: true)
    }

    private static func make(_ path: FilePath, last: Bool) throws(StoreError) {
        var information = stat()
        if unsafeStat(path.string, &information) == 0 {
            guard information.st_mode & S_IFMT == S_IFDIR else {
                throw .io(path: path.string, detail: "is not a directory")
            }
            if last, information.st_uid == geteuid(), information.st_mode & 0o077 != 0 {
                _ = chmod(path.string, 0o700)
            }
            return
        }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, parent != path { try make(parent, last: false) }
        if mkdir(path.string, 0o700) != 0, errno != EEXIST {
            throw StoreError(errno: Errno(rawValue: errno), path: path.string)
        }
    }

    private static func unsafeStat(_ path: String, _ information: inout stat) -> Int32 {
        stat(path, &information)
    }
}
