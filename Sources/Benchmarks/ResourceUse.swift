import Glibc

/// Peak memory as the kernel keeps it.
enum ResourceUse {
    /// Most resident bytes of this process.
    static func ownPeak() -> Int? { peak(RUSAGE_SELF.rawValue) }

    /// Most resident bytes of any child that has ended.
    static func childrenPeak() -> Int? { peak(RUSAGE_CHILDREN.rawValue) }

    private static func peak(_ who: __rusage_who_t) -> Int? {
        var usage = rusage()
        guard getrusage(who, &usage) == 0 else { return nil }
        return Int(usage.ru_maxrss) * 1024
    }
}
