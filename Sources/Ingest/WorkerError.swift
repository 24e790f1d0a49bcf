// Why no worker could be had at all: a fault of the installation, not of a document.

package import Diagnostics

/// What keeps every document of one format from being read.
package enum WorkerError: Error, Sendable, Equatable {
    /// The worker program is not where it should be.
    case programMissing(path: String)
    /// The program is there but cannot be started.
    case cannotStart(path: String, errno: Int32)
    /// The program answers with another wire version, or does not answer as a worker.
    case notAWorker(path: String, detail: String)

    /// The form that the user sees.
    package var userError: UserError {
        switch self {
        case .programMissing(let path):
            UserError(
                .workerMissing, "the program that reads PDF files, docproc-pdf, is missing",
                places: [.init("expected", path)],
                remedies: [
                    .init("make build", "builds docproc and docproc-pdf side by side"),
                    .init("DOCPROC_PDF_WORKER=PATH", "uses a docproc-pdf that stands elsewhere"),
                    .init("--exclude '*.pdf'", "goes on without PDF files"),
                ])
        case .cannotStart(let path, let code):
            UserError(
                .workerMissing, "the worker that reads documents cannot be started (errno \(code))",
                places: [.init("program", path)],
                remedies: [.init("ls -l \(path)", "check that it is an executable for this machine")])
        case .notAWorker(let path, let detail):
            UserError(
                .workerMissing, "the worker that reads documents does not fit this docproc: \(detail)",
                places: [.init("program", path)],
                remedies: [.init("make build", "builds docproc and docproc-pdf from the same sources")])
        }
    }
}
