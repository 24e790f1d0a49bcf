// docproc-pdf: reads PDF files for docproc, which starts it and talks to it over pipes.
//
// The command line and the order of start-up stand here; reading a document is `PDFReader`.
//
// SPDX-License-Identifier: GPL-3.0-or-later

import CPDF
import CSandbox
import Documents
import Glibc

let extractor = "docproc-pdf 2 (poppler \(String(cString: cpdf_library_version())))"
let arguments = Array(CommandLine.arguments.dropFirst())

/// Writes to a descriptor; the print functions of the standard library know only standard output.
func say(_ text: String, to descriptor: Int32 = STDERR_FILENO) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        bytes = bytes.dropFirst(count)
    }
}

switch arguments {
case ["--version"]:
    say("\(extractor)\nLicense GPL-3.0-or-later; no warranty.\n", to: STDOUT_FILENO)
    exit(0)
case ["--check"]:
    exit(SandboxCheck.run())
default:
    guard let limits = WorkerLimits(arguments: arguments), WireWorker.isUnderParent else {
        say("usage: docproc-pdf --version | --check   (docproc starts it by itself to read PDF files)\n")
        exit(2)
    }
    guard csandbox_enter(UInt64(limits.memoryBytes)) & Int32(CSANDBOX_LIMITS) != 0 else {
        say("docproc-pdf: cannot limit itself\n")
        exit(71)
    }
    exit(
        WireWorker.serve(
            extractor: extractor, inputBytes: limits.inputBytes,
            prepare: { csandbox_cpu_budget(UInt32(clamping: limits.cpuSeconds)) },
            extract: { bytes, request, output in
                PDFReader.read(bytes, request, extractor: extractor, output: output) {
                    csandbox_cpu_budget(UInt32(clamping: limits.cpuSeconds))
                }
            }))
}
