// Zip files written by Python's zipfile module (3.11), so that our reader is tested against another's writer.

import Foundation

enum WheelSamples {
    /// `pkg/__init__.py` (empty), `pkg/data/text.bin` (2,640 bytes, "All work and no play …" sixty times) and
    /// `pkg/data/noise.bin` (300 random bytes), all deflated.
    static let deflated = decode(
        """
        UEsDBBQAAAAIAAAAIVwAAAAAAgAAAAAAAAAPAAAAcGtnL19faW5pdF9fLnB5AwBQSwMEFAAAAAgAAAAhXKinyhZCAAAAUAoAABEA
        AABwa2cvZGF0YS90ZXh0LmJpbu3KwQ2AIBBFwVZ+BfTA1S5W8cTKGowxdC9nanjXyWR3fdGrrBW10O02dFk9H212TFZ5Z9ljJGUu
        l8vlcrlcLne5P1BLAwQUAAAACAAAACFcVyIinjEBAAAsAQAAEgAAAHBrZy9kYXRhL25vaXNlLmJpbgEsAdP+n0G9W8uw8de9puyH
        B9d3xvE/pg3mKBxfeN4/YYsakj8DuzdoRy7q3sRjKMPMEiOennEgIQD43wE1xjf1+yrfKkpQ9jKK4K2gNC7w97Ay9/fkYkwFXGoq
        7yVDEFRN0ZqWAJittVYQT1rRTnuyUC97eLQtDkH58AXzv1vYZwSMyWtdYJTXAnMLtS6f9PQyHsE+7dHxdliDWuSGQMZ2G5a/x8xe
        3EsJbvL6FzVXg5xc6yVXRuyzixdPr1FOLcwUoCa4sE//eym4DBT8mYjsZwg8vZhY00B0pmslDvrqowjNflXWNSH7u5DzIaHlyWkb
        K29fJg/Ya0skdOz/ntor+YV09XywulF6Rkp4Z+YlHGDS/Yj1LaDvf95WLhZ9RYPIjN6AXBDJy8ZbsZapCMJOUEsBAhQDFAAAAAgA
        AAAhXAAAAAACAAAAAAAAAA8AAAAAAAAAAAAAAIABAAAAAHBrZy9fX2luaXRfXy5weVBLAQIUAxQAAAAIAAAAIVyop8oWQgAAAFAK
        AAARAAAAAAAAAAAAAACAAS8AAABwa2cvZGF0YS90ZXh0LmJpblBLAQIUAxQAAAAIAAAAIVxXIiKeMQEAACwBAAASAAAAAAAAAAAA
        AACAAaAAAABwa2cvZGF0YS9ub2lzZS5iaW5QSwUGAAAAAAMAAwC8AAAAAQIAAAAA
        """)

    /// SHA-256 of `pkg/data/text.bin` and `pkg/data/noise.bin`, by Python's hashlib.
    static let textHash = "75b9afb645d20cc934726ecb7c9fa9e8b47add5c5f378b95deeb609680b6bfa8"
    static let noiseHash = "5925c76e607531eaf160711d839eb70f59e46c24b8790c931fbe4bafec7700a4"

    /// `pkg/data/stored.bin`, "stored bytes", not compressed.
    static let stored = decode(
        """
        UEsDBBQAAAAAAAAAIVx4d6YPDAAAAAwAAAATAAAAcGtnL2RhdGEvc3RvcmVkLmJpbnN0b3JlZCBieXRlc1BLAQIUAxQAAAAAAAAA
        IVx4d6YPDAAAAAwAAAATAAAAAAAAAAAAAACAAQAAAABwa2cvZGF0YS9zdG9yZWQuYmluUEsFBgAAAAABAAEAQQAAAD0AAAAAAA==
        """)

    private static func decode(_ base64: String) -> [UInt8] {
        Data(base64Encoded: base64.filter { !$0.isWhitespace }).map { [UInt8]($0) } ?? []
    }
}
