@testable import Compose

/// docs/attributes.md as `attributeStates()` has it: what is not in the table of the code is not in the document.
struct AttributeDocument {
    /// The document's text.
    let text: String

    init(_ states: [(path: String, state: AttributeState)]) {
        var text = Self.introduction
        var section: Substring = ""
        for (path, state) in states {
            let first = path.prefix { $0 != "." && $0 != "[" }
            if first != section {
                section = first
                text += "\n## `\(first)`\n\n| attribute | state | why |\n| --- | --- | --- |\n"
            }
            text += Self.row(path, state)
        }
        self.text = text
    }

    private static func row(_ path: String, _ state: AttributeState) -> String {
        let (word, reason) = switch state {
        case .supported: ("works", "")
        case .accepted(let reason): ("accepted", reason)
        case .warned(let reason): ("**no effect yet**", reason)
        }
        return "| `\(path)` | \(word) |\(reason.isEmpty ? "" : " \(reason)") |\n"
    }

    private static let introduction = """
        # The Compose specification's attributes

        What stackup does with each attribute. This page is written by a test from the table that the validation
        itself works with (`Sources/Compose/Validation`); don't edit it by hand:

        ```
        STACKUP_WRITE_DOCS=1 swift test --filter AttributeDocumentTests
        ```

        | state | means |
        | --- | --- |
        | works | it is read and acted upon; a value that can't be had is a warning or an error of its own |
        | accepted | it is read, kept and printed by `config`, and needs nothing more from stackup |
        | **no effect yet** | it is read, kept and printed by `config`; a warning names it and says why nothing comes of it |

        An attribute that is not on this page is an error, unless it starts with `x-`. It is a warning only where
        Compose passes over what it doesn't know: in an entry of `include`, in `extends`, in an entry of `gpus`, and
        below `external` of a secret or config. `*` stands for a name that you choose, `[]` for an entry of a list.
        What lies below an attribute without effect has no effect either.

        """
}
