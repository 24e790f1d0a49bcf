// The elements of HTML by name, as the parser numbers them.

import CHTML

/// An element's name; `other` for custom and unknown ones.
enum HTMLTag: String, Sendable, CaseIterable {
    case other = ""
    case annotationXML = "annotation-xml"
    case a, abbr, acronym, address, annotation, applet, area, article, aside, audio, b, base, bdi, bdo, big, blockquote,
        body
    case br, button, canvas, caption, center, cite, code, col, colgroup, data, datalist, dd, del, details, dfn
    case dialog, dir, div, dl, dt, em, embed, fieldset, figcaption, figure, font, footer, form, frame, frameset, h1
    case h2, h3, h4, h5, h6, head, header, hgroup, hr, html, i, iframe, img, input, ins, kbd, label, legend, li
    case link, main, map, mark, math, menu, meta, meter, nav, noframes, noscript, object, ol, optgroup, option
    case output, p, param, picture, pre, progress, q, rb, rp, rt, rtc, ruby, s, samp, script, search, section
    case select, slot, small, source, span, strike, strong, style, sub, summary, sup, svg, table, tbody, td
    case template, textarea, tfoot, th, thead, time, title, tr, track, tt, u, ul, `var`, video, wbr

    /// Names by the parser's numbers.
    static let byID: [HTMLTag] = (0..<ch_tag_count).map {
        HTMLTag(rawValue: String(cString: ch_tag_name($0))) ?? .other
    }

    /// The level of a heading, 1 to 6.
    var headingLevel: Int? {
        switch self {
        case .h1: 1
        case .h2: 2
        case .h3: 3
        case .h4: 4
        case .h5: 5
        case .h6: 6
        default: nil
        }
    }

    /// Whether it begins and ends a paragraph of its own.
    var isBlock: Bool {
        switch self {
        case .address, .article, .aside, .blockquote, .body, .center, .dd, .details, .dialog, .dir, .div, .dl, .dt,
            .fieldset, .figcaption, .figure, .footer, .form, .frameset, .h1, .h2, .h3, .h4, .h5, .h6, .head, .header,
            .hgroup, .hr, .html, .legend, .li, .main, .menu, .nav, .ol, .optgroup, .option, .p, .pre, .search,
            .section, .summary, .table, .tbody, .tfoot, .thead, .title, .tr, .ul, .caption, .td, .th, .noscript,
            .template:
            true
        default: false
        }
    }

    /// Whether its content is never text for readers.
    var isOpaque: Bool {
        switch self {
        case .script, .style, .noscript, .template, .svg, .iframe, .object, .embed, .applet, .canvas, .audio, .video,
            .map, .datalist, .select, .textarea, .head, .noframes, .frameset, .progress, .meter, .slot, .rp, .title,
            .annotation,
            .annotationXML:
            true
        default: false
        }
    }

    /// Whether it is a field of a form, which parts the words around it.
    var isField: Bool { self == .input || self == .select || self == .textarea }
}
