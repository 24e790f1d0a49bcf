// A child process with three pipes: starting it, reading, writing and ending it. Knows nothing of messages.

import CSandbox
import Documents
import Glibc

/// Owns a process id and three descriptors; ends the process when it goes.
final class WorkerChild {
    private let id: pid_t
    private let input: Int32, output: Int32, error: Int32
    private var exit: WorkerExit?
    private var errorIsOpen = true

    /// Starts a program with pipes for its first three descriptors and nothing else open.
    init(_ path: String, _ arguments: [String]) throws(WorkerError) {
        guard access(path, F_OK) == 0 else { throw .programMissing(path: path) }
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = Self.environment.map { strdup($0) } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var child = csandbox_child()
        let code = csandbox_spawn(path, words, variables, &child)
        guard code == 0 else { throw .cannotStart(path: path, errno: code) }
        id = child.process
        (input, output, error) = (child.input, child.output, child.error)
    }

    deinit {
        kill()
        for end in [input, output, error] { close(end) }
    }

    /// Little of ours: where libraries lie, a fixed locale, and no helper program of Swift's when it crashes.
    private static var environment: [String] {
        var variables = ["LC_ALL=C.UTF-8", "SWIFT_BACKTRACE=enable=no"]
        if let path = getenv("LD_LIBRARY_PATH") { variables.append("LD_LIBRARY_PATH=" + String(cString: path)) }
        return variables
    }

    /// What can be done without waiting.
    struct Readiness {
        var canRead = false, canReadError = false, canWrite = false
    }

    /// Waits until something can be done, at most so long.
    func poll(wantsToWrite: Bool, milliseconds: Int) -> Readiness {
        // A negative descriptor is passed over.
        var watched = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errorIsOpen ? error : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wantsToWrite ? input : -1, events: Int16(POLLOUT), revents: 0),
        ]
        guard Glibc.poll(&watched, 3, Int32(clamping: milliseconds)) > 0 else { return Readiness() }
        return Readiness(
            canRead: watched[0].revents != 0, canReadError: watched[1].revents != 0, canWrite: watched[2].revents != 0)
    }

    enum Input {
        case bytes([UInt8]), nothing, end
    }

    /// What the worker wrote to its standard output since.
    func read() -> Input {
        read(output, atMost: 1 << 18)
    }

    /// What it wrote to its standard error since; empty when nothing or when closed.
    func readError() -> [UInt8] {
        guard errorIsOpen else { return [] }
        switch read(error, atMost: 1 << 14) {
        case .bytes(let bytes): return bytes
        case .nothing: return []
        case .end:
            errorIsOpen = false
            return []
        }
    }

    private func read(_ descriptor: Int32, atMost capacity: Int) -> Input {
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            got = Glibc.read(descriptor, buffer.baseAddress, capacity)
            count = max(got, 0)
        }
        if got > 0 { return .bytes(bytes) }
        if got < 0, errno == EAGAIN || errno == EINTR { return .nothing }
        return .end
    }

    /// Writes what the pipe takes; nil once nobody reads.
    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// Ends the process if it still runs.
    func kill() {
        guard exit == nil else { return }
        Glibc.kill(id, SIGKILL)
        _ = wait()
    }

    /// Waits for the end of the process, which has closed its output; kills it if it does not go by itself.
    func wait() -> WorkerExit {
        if let exit { return exit }
        var status: Int32 = 0
        // A crashing process closes its pipes a moment before it can be waited for.
        for attempt in 0... {
            let done = waitpid(id, &status, attempt < 200 ? WNOHANG : 0)
            if done == id || (done < 0 && errno != EINTR) { break }
            if attempt == 199 { Glibc.kill(id, SIGKILL) }
            if done == 0 { usleep(5000) }
        }
        let ended = WorkerExit(status: status)
        exit = ended
        return ended
    }
}

/// How a worker ended by itself.
struct WorkerExit {
    /// As `waitpid` returned it.
    let status: Int32

    private var signal: Int32 { status & 0x7f }
    private var code: Int32 { (status >> 8) & 0xff }

    /// What that means for the document; true where the worker, not something outside, ended it.
    func failure(said: String, _ limits: WorkerLimits) -> (failure: ExtractionFailure, isOwnFault: Bool) {
        let lowercase = said.lowercased()
        // What glibc, C++, GLib, Poppler and Swift print when an allocation fails.
        let cries = [
            "out of memory", "bad_alloc", "failed to allocate", "could not allocate", "cannot allocate memory",
        ]
        if signal != SIGKILL, cries.contains(where: { lowercase.contains($0) }) {
            return (ExtractionFailure(.memoryLimit, "it needs more than \(limits.memoryBytes >> 20) MiB"), true)
        }
        let tail = said.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
        switch signal {
        case 0: return (ExtractionFailure(.crashed, "the worker ended with status \(code)\(tail)"), true)
        case SIGXCPU:
            return (ExtractionFailure(.timeout, "it needs more than \(limits.cpuSeconds) s of processor time"), false)
        case SIGKILL, SIGTERM, SIGINT, SIGHUP:
            return (ExtractionFailure(.crashed, "the worker was killed from outside (signal \(signal))"), false)
        default: return (ExtractionFailure(.crashed, "the worker crashed (signal \(signal))\(tail)"), true)
        }
    }
}
