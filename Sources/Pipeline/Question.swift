// A question with what its answer must be like.

package import Runs

/// One question of `questions:`, `questions_file:` or `ask --questions`.
package struct Question: Sendable, Equatable {
    /// Unique within its list.
    package var id: String
    /// The question itself.
    package var text: String
    /// What the answer must be like; empty if nothing was asked.
    package var expect: [Check]
    /// Fields of a JSONL line that docproc has no use for, in the file's order.
    package var fields: [JSONValue.Member]
    /// The file that holds it.
    package var file: String
    /// Its line there.
    package var line: Int

    /// Describes a question.
    package init(
        id: String, text: String, expect: [Check] = [], fields: [JSONValue.Member] = [], file: String = "",
        line: Int = 0
    ) {
        self.id = id
        self.text = text
        self.expect = expect
        self.fields = fields
        self.file = file
        self.line = line
    }
}
