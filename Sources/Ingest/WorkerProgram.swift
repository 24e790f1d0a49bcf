// Which program reads which format, and where it stands on this machine.

package import Documents
import Glibc

/// A worker program and what comes before the limits on its command line.
package struct WorkerProgram: Sendable, Equatable {
    /// Absolute path.
    package var path: String
    /// Arguments before those of `WorkerLimits`.
    package var arguments: [String]

    /// Names a program.
    package init(path: String, arguments: [String] = []) {
        self.path = path
        self.arguments = arguments
    }
}

/// The programs for all formats that are read outside this process.
package struct WorkerPrograms: Sendable, Equatable {
    /// Reads PDF: `docproc-pdf`.
    package var pdf: WorkerProgram
    /// Reads HTML, office documents and archives: docproc itself, in a hidden mode.
    package var html: WorkerProgram

    /// Names both programs.
    package init(pdf: WorkerProgram, html: WorkerProgram) {
        self.pdf = pdf
        self.html = html
    }

    /// The hidden mode of docproc in which it reads HTML and all that is zipped.
    package static let htmlMode = "__extract-html"

    /// The programs beside the one that runs; `$DOCPROC_PDF_WORKER` and `$DOCPROC_HTML_WORKER` name others.
    package static var installed: WorkerPrograms {
        let running = runningProgram
        let folder = running.lastIndex(of: "/").map { running[..<$0] } ?? "."
        return WorkerPrograms(
            pdf: WorkerProgram(path: variable("DOCPROC_PDF_WORKER") ?? "\(folder)/docproc-pdf"),
            html: WorkerProgram(path: variable("DOCPROC_HTML_WORKER") ?? running, arguments: [htmlMode]))
    }

    /// Tells one build of the program that reads a format from another, by size and time of change: what one build
    /// extracted is not taken for the work of the next.
    package func build(for format: DocumentFormat) -> String {
        let path = program(for: format).path
        var facts = stat()
        guard stat(path, &facts) == 0 else { return "unknown" }
        return "\(facts.st_size).\(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec)"
    }

    /// The program for a format; formats that need no worker get the HTML one, which refuses them.
    func program(for format: DocumentFormat) -> WorkerProgram {
        format == .pdf ? pdf : html
    }

    /// The path behind `/proc/self/exe`: the link itself would mean the worker inside a worker.
    private static var runningProgram: String {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &target, target.count)
        return String(decoding: target.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
