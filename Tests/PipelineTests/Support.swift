// What the tests of pipelines share: fixtures, scratch folders, an executor with fixed answers.

import Foundation
import Runs
import Synchronization

@testable import Pipeline

func fixture(_ name: String) throws -> String {
    guard let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent(name) else {
        throw FileError.missing(path: name)
    }
    return try TextFile.read(url.path)
}

func fixtureNames(_ folder: String) -> [String] {
    guard let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent(folder),
        let names = try? FileManager.default.contentsOfDirectory(atPath: url.path)
    else { return [] }
    return names.sorted()
}

/// A directory that is gone when the test is.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("docproc-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func read(_ name: String) throws -> String { try TextFile.read(file(name)) }

    /// Every file below, relative, sorted.
    func files() -> [String] {
        (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? [])
            .filter { name in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: file(name), isDirectory: &isFolder) && !isFolder.boolValue
            }.sorted()
    }
}

/// Gives fixed records by step.
final class FixedExecutor: StepExecutor {
    let records: [String: [StepRecord]]
    let errors: [String: any Error]
    let totals: StepTotals
    let order = Mutex<[String]>([])

    init(
        _ records: [String: [StepRecord]], errors: [String: any Error] = [:],
        totals: StepTotals = StepTotals(coverage: .init(filesRead: 2, pagesRead: 10), seconds: 1.5)
    ) {
        self.records = records
        self.errors = errors
        self.totals = totals
    }

    func execute(
        _ step: PipelineStep, corpus: PipelineCorpus, pipeline: PipelineDefinition,
        emit: @Sendable (StepRecord) throws -> Void
    ) async throws -> StepTotals {
        order.withLock { $0.append(step.id) }
        for record in records[step.id] ?? [] { try emit(record) }
        if let error = errors[step.id] { throw error }
        return totals
    }
}

func answer(_ id: String, _ text: String, _ status: CheckedRecord.Status = .answered) -> StepRecord {
    StepRecord(
        checked: CheckedRecord(
            id: id, text: text, status: status,
            citations: status == .answered ? [.init(doc: "handbook/leave.pdf", page: 3, verified: true)] : [],
            failure: status == .failed ? "the model stopped" : nil),
        json: #"{"schema":"docproc.answer/1","id":"\#(id)"}"#, markdown: "**\(id)** \(text)\n")
}

func summary(_ doc: String, _ text: String, _ status: CheckedRecord.Status = .answered) -> StepRecord {
    StepRecord(
        checked: CheckedRecord(id: doc, text: text, status: status, failure: status == .failed ? "encrypted" : nil),
        doc: doc, json: #"{"schema":"docproc.summary/1","doc":"\#(doc)"}"#, markdown: "# \(doc)\n\n\(text)\n")
}
