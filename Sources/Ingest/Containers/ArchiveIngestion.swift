// An archive from its bytes to one outcome for each member. Its directory is read here, by a bounded pass over the
// bytes; unpacking happens in a worker. What comes out is a file like any other, called `archive.zip/inner/name.html`.

import Diagnostics
import Documents

extension FileIngestion {
    /// What an archive may still cost, over all levels of archives in archives.
    struct Budget {
        var bytes: Int
        var depth = 0
        /// Paths in use, each with how often it was asked for: two members may have the same name.
        private var paths: [String: Int] = [:]

        init(_ limits: ArchiveLimits) {
            bytes = limits.totalBytes
        }

        /// A path that no other member has.
        mutating func path(_ wanted: String) -> String {
            var path = wanted
            var number = paths[wanted] ?? 0
            repeat {
                number += 1
                if number > 1 { path = "\(wanted) (\(number))" }
            } while paths[path] != nil
            paths[wanted] = number
            paths[path] = max(paths[path] ?? 0, 1)
            return path
        }
    }

    /// Reads the members of a zip file, in the order of its directory.
    func members(
        of bytes: [UInt8], _ archive: IngestOutcome, _ place: FileSelection.Place, _ budget: inout Budget
    ) async -> Result {
        guard budget.depth < options.limits.archives.depth else {
            return Result(archive, .failed(ExtractionFailure(.tooLarge, "\(budget.depth) archives around it")))
        }
        let members: [ZipDirectory.Entry]
        do throws(ExtractionFailure) {
            members = try ZipDirectory(bytes[...], limits: options.limits.archives).entries.filter { !$0.isFolder }
        } catch {
            return Result(archive, .failed(error))
        }
        guard !members.isEmpty else { return Result(archive, .skipped(.empty)) }
        budget.depth += 1
        defer { budget.depth -= 1 }
        var result = Result(outcomes: [], found: members.count)
        for member in members {
            let path = budget.path(archive.path + "/" + member.name)
            let outcome = IngestOutcome(path: path, size: member.size, status: .skipped(.notReached))
            if Task.isCancelled || result.stops(options) {
                result.outcomes.append(outcome)
                continue
            }
            result.add(await read(member, of: bytes, outcome, in: place, &budget))
        }
        return result
    }

    private func read(
        _ member: ZipDirectory.Entry, of bytes: [UInt8], _ outcome: IngestOutcome, in archive: FileSelection.Place,
        _ budget: inout Budget
    ) async -> Result {
        let steps = member.name.split(separator: "/")
        if steps.contains(where: { $0.first == "." && $0 != "." && $0 != ".." || $0 == "__MACOSX" }) {
            return Result(outcome, .skipped(.hidden))
        }
        if member.isLink { return Result(outcome, .skipped(.special)) }
        guard let place = selection.member(member.name, of: archive) else {
            return Result(outcome, .skipped(.excluded))
        }
        var values = [
            "name": member.name, "method": String(member.method), "size": String(member.size),
            "checksum": String(member.checksum),
        ]
        if member.isEncrypted { values["encrypted"] = "yes" }
        return await unpack(bytes[member.data], values, task: .member, outcome, name: member.name, place, &budget)
    }

    /// Reads what a gzip file holds, under the file's own path.
    func content(
        ofGzip bytes: [UInt8], _ outcome: IngestOutcome, name: String, _ file: FileSelection.Place,
        _ budget: inout Budget
    ) async -> Result {
        guard let place = selection.content(ofGzip: file) else { return Result(outcome, .skipped(.excluded)) }
        guard budget.depth < options.limits.archives.depth else {
            return Result(outcome, .failed(ExtractionFailure(.tooLarge, "\(budget.depth) archives around it")))
        }
        budget.depth += 1
        defer { budget.depth -= 1 }
        let inner = name.lowercased().hasSuffix(".gz") ? String(name.dropLast(3)) : name
        return await unpack(bytes[...], ["name": inner], task: .gunzip, outcome, name: inner, place, &budget)
    }

    private func unpack(
        _ packed: ArraySlice<UInt8>, _ values: [String: String], task: ArchiveExtractor.Task, _ outcome: IngestOutcome,
        name: String, _ place: FileSelection.Place, _ budget: inout Budget
    ) async -> Result {
        var values = values
        values["limit"] = String(min(options.limits.archives.memberBytes, options.limits.fileBytes, budget.bytes))
        values["task"] = task.rawValue
        values["ratio"] = String(options.limits.archives.ratio)
        let answer: ExtractedDocument
        do throws(WorkerError) {
            switch try await pool.extract(Array(packed), ExtractionRequest(format: .archive, options: values)) {
            case .success(let document): answer = document
            case .failure(let failure):
                return Result(outcome, Task.isCancelled ? .skipped(.notReached) : .failed(failure))
            }
        } catch {
            let failure = ExtractionFailure(.unsupported, error.userError.cause)
            return Result(outcome, .failed(failure), fault: error.userError)
        }
        if let reason = answer.metadata["skip"].flatMap(SkipReason.init(rawValue:)) {
            return Result(outcome, .skipped(reason))
        }
        budget.bytes -= answer.content.count
        return await read(answer.content, path: outcome.path, name: name, place, &budget)
    }
}
