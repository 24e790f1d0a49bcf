// DoclingDocument 1.x as JSON, as far as its text needs it. Names are those of the format,
// in camel case.

/// A file.
struct DoclingFile: Decodable {
    let name: String?
    let origin: Origin?
    let body: Group
    let furniture: Group?
    let groups: [Group]
    let texts: [Text]
    let tables: [Table]
    let pictures: [Picture]
    /// By number.
    let pages: [String: Page]

    struct Origin: Decodable {
        let filename: String?
    }

    /// A pointer such as `#/texts/3`.
    struct Reference: Decodable {
        let path: String

        init(path: String) { self.path = path }

        init(from decoder: any Decoder) throws {
            path = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .path)
        }

        private enum Key: String, CodingKey {
            case path = "$ref"
        }
    }

    struct Group: Decodable {
        @Listed var children: [Reference]
    }

    struct Text: Decodable {
        let label: String
        let text: String
        let orig: String?
        let level: Int?
        @Listed var children: [Reference]
        @Listed var prov: [Place]
    }

    struct Table: Decodable {
        let data: Content
        @Listed var children: [Reference]
        @Listed var captions: [Reference]
        @Listed var footnotes: [Reference]
        @Listed var prov: [Place]

        struct Content: Decodable {
            @Listed var tableCells: [Cell]
        }

        struct Cell: Decodable {
            let text: String
            let startRowOffsetIdx: Int
            let startColOffsetIdx: Int
        }
    }

    struct Picture: Decodable {
        @Listed var children: [Reference]
        @Listed var captions: [Reference]
        @Listed var footnotes: [Reference]
    }

    /// Where an item stands.
    struct Place: Decodable {
        let pageNo: Int
        let bbox: Area?
        @Listed var charspan: [Int]

        struct Area: Decodable {
            let l: Double, t: Double, r: Double, b: Double
            let coordOrigin: String?
        }
    }

    struct Page: Decodable {
        let size: Size?

        struct Size: Decodable {
            let width: Double, height: Double
        }
    }

    private enum Key: String, CodingKey {
        case name, origin, body, furniture, groups, texts, tables, pictures, pages
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        name = try values.decodeIfPresent(String.self, forKey: .name)
        origin = try values.decodeIfPresent(Origin.self, forKey: .origin)
        body = try values.decode(Group.self, forKey: .body)
        furniture = try values.decodeIfPresent(Group.self, forKey: .furniture)
        groups = try values.decodeIfPresent([Group].self, forKey: .groups) ?? []
        texts = try values.decodeIfPresent([Text].self, forKey: .texts) ?? []
        tables = try values.decodeIfPresent([Table].self, forKey: .tables) ?? []
        pictures = try values.decodeIfPresent([Picture].self, forKey: .pictures) ?? []
        pages = try values.decodeIfPresent([String: Page].self, forKey: .pages) ?? [:]
    }
}

/// A list that may be missing.
@propertyWrapper
struct Listed<Item: Decodable>: Decodable {
    var wrappedValue: [Item]

    init(wrappedValue: [Item]) { self.wrappedValue = wrappedValue }

    init(from decoder: any Decoder) throws {
        wrappedValue = try [Item](from: decoder)
    }
}

extension KeyedDecodingContainer {
    /// A missing list is an empty one.
    func decode<Item: Decodable>(_ type: Listed<Item>.Type, forKey key: Key) throws -> Listed<Item> {
        try decodeIfPresent(type, forKey: key) ?? Listed(wrappedValue: [])
    }
}
