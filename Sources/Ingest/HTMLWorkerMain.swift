// The hidden mode of docproc in which it reads one HTML page after another for its parent.

/// The worker behind `docproc __extract-html`.
package enum HTMLWorkerMain {
    /// Serves requests on standard input until it ends; returns the exit status.
    package static func run() -> Int32 {
        0
    }
}
