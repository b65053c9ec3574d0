import Testing
@testable import Terminal

/// Expectations are what `docker secret ls` and `docker secret inspect` 28.2 print for the same template.
@Suite struct TemplateTests {
    private static let row: TemplateValue = .record([
        .init("Name", .string("db_user")), .init("Empty", .string("")), .init("Count", .integer(3)),
        .init("Spec", .record([
            .init("Name", .string("db_user")), .init("Labels", TemplateValue(["stage": "test", "who": "me", "empty": ""])),
            .init("Driver", .absent),
        ])),
        .init("Label", .lookup { ["stage": "test"][$0] ?? "" }),
        .init("Parts", .list([.string("db"), .string("user")])), .init("None", .list([])), .init("Missing", .null),
    ])

    private func show(_ template: String, replacesEscapes: Bool = false) throws -> String {
        try OutputTemplate(template, replacesEscapes: replacesEscapes).rendered(Self.row)
    }

    @Test(arguments: [
        ("", ""), ("plain } text }} \\t", "plain } text }} \\t"), ("{{.Name}}", "db_user"), ("{{ .Name }}{{\"}}\"}}", "db_user}}"),
        ("{{.Spec.Name}} {{(.Spec).Name}} {{$.Spec.Name}}", "db_user db_user db_user"),
        ("{{.Spec.Labels}}", "map[empty: stage:test who:me]"), ("{{.Parts}} {{.None}} {{.Missing}}", "[db user] [] <nil>"),
        ("{{.Spec.Labels.stage}} {{.Spec.Labels.nope}}", "test <no value>"),
        ("{{index .Spec.Labels \"who\"}}|{{index .Spec.Labels \"nope\"}}|{{index .Parts 1}}", "me||user"),
        ("{{.Label \"stage\"}}|{{.Label \"nope\"}}|{{\"stage\" | .Label}}", "test||test"),
    ])
    func valuesAreShownAsGoShowsThem(template: String, expected: String) throws {
        #expect(try show(template) == expected)
    }

    @Test(arguments: [
        (#"{{upper .Name}} {{lower "ABc"}} {{title "hello wOrld it's a_b"}}"#, "DB_USER abc Hello WOrld It'S A_b"),
        (#"{{split .Name "_"}} {{split "abc" ""}} {{split "a,,b" ","}} {{len (split "" ",")}}"#, "[db user] [a b c] [a  b] 1"),
        (#"{{join .Parts "+"}} {{join (split .Name "_") ", "}}"#, "db+user db, user"),
        (#"{{json .Name}} {{json .Spec}} {{json .Parts}} {{json .Missing}}"#,
         #""db_user" {"Name":"db_user","Labels":{"empty":"","stage":"test","who":"me"}} ["db","user"] null"#),
        (#"{{len .Name}} {{len "añb"}} {{len .Spec.Labels}} {{len .Parts}}"#, "7 4 3 2"),
        (#"{{truncate .Name 3}}|{{truncate .Name 30}}|{{pad .Name 1 2}}|{{pad "" 1 2}}|"#, "db_|db_user| db_user  ||"),
        (#"{{slice .Name 1 3}} {{slice .Name 1}} {{slice .Parts 1}}"#, "b_ b_user [user]"),
        (#"{{print .Name "x" 1 2}}|{{print 1 2 .Name 3}}|{{println .Name "x" 1}}"#, "db_userx1 2|1 2db_user3|db_user x 1\n"),
        (#"{{printf "%s-%d|%5s|%-6s|%05d|%05d|%q|%v|%t%%" .Name .Count "ab" "cd" 42 -42 "x\"y" .Parts true}}"#,
         #"db_user-3|   ab|cd    |00042|-0042|"x\"y"|[db user]|true%"#),
        (#"{{printf "%.3s|%8.3s|" .Name .Name}}"#, "db_|     db_|"),
        (#"{{.Name | upper | printf "%s%s" "a"}}"#, "aDB_USER"),
    ])
    func functionsAreDockers(template: String, expected: String) throws {
        #expect(try show(template) == expected)
    }

    @Test(arguments: [
        (#"{{if eq .Name "db_user"}}yes{{else}}no{{end}}"#, "yes"), (#"{{if .Empty}}yes{{else}}no{{end}}"#, "no"),
        (#"{{if .Empty}}1{{else if eq .Count 2}}2{{else if .None}}3{{else}}4{{end}}"#, "4"),
        (#"{{if eq .Name "a" "db_user" "b"}}one{{end}}"#, "one"), (#"{{eq 1 1}} {{ne 1 2}} {{eq true false}}"#, "true true false"),
        (#"{{lt 1 2}} {{le 2 2}} {{gt "a" "b"}} {{ge "b" "b"}}"#, "true true false true"),
        (#"{{not .Empty}} {{not 3}} {{not .Missing}}"#, "true false true"),
        (#"{{or .Empty "none"}} {{and .Name .Empty}}| {{and .Name .Count}} {{or .Empty .None}}"#, "none | 3 []"),
        // What isn't needed isn't looked at: `.Name.X` would be an error.
        (#"{{if or .Name .Name.X}}a{{end}}{{if and .Empty .Name.X}}b{{end}}"#, "a"),
        (#"{{eq .Spec.Labels.nope "test"}} {{eq .Spec.Labels.stage "test"}}"#, "false true"),
        (#"{{if .Spec.Driver}}d{{else}}n{{end}}"#, "n"),
    ])
    func conditionsDecideAsInGo(template: String, expected: String) throws {
        #expect(try show(template) == expected)
    }

    @Test(arguments: [
        ("{{range .Parts}}[{{.}}]{{end}}", "[db][user]"), ("{{range .None}}x{{else}}none{{end}}", "none"),
        ("{{range $p := .Parts}}{{$p}}{{$.Count}};{{end}}", "db3;user3;"),
        ("{{range $i, $p := .Parts}}{{$i}}={{$p}};{{end}}", "0=db;1=user;"),
        ("{{range $k, $v := .Spec.Labels}}{{$k}}{{if $v}}={{$v}}{{end}} {{end}}", "empty stage=test who=me "),
        ("{{with .Spec}}{{.Name}}{{end}}{{with .Empty}}x{{else}}-{{end}}", "db_user-"),
        ("{{with $x := .Name}}{{$x}}{{.}}{{end}}", "db_userdb_user"),
        ("{{$n := .Name}}{{if true}}{{$n = \"new\"}}{{end}}{{$n}}", "new"),
        ("{{$n := .Name}}{{if true}}{{$n := \"inner\"}}{{end}}{{$n}}", "db_user"),
        ("{{$s := .Spec}}{{$s.Name}}{{(index $s.Labels \"who\")}}", "db_userme"),
    ])
    func blocksAndVariablesHaveGosScopes(template: String, expected: String) throws {
        #expect(try show(template) == expected)
    }

    @Test func trimMarkersAndCommentsTakeWhiteSpaceAway() throws {
        #expect(try show("a \n {{- .Name -}} \t b") == "adb_userb")
        #expect(try show("a {{.Name -}} b {{- .Count}} c") == "a db_userb3 c")
        #expect(try show("a {{/* nothing }} */}}b{{- /* c */ -}} d") == "a bd")
        #expect(try show("{{-3}} {{- 3}}") == "-33")
    }

    @Test func escapesOutsideOfQuotesAreForListsOnly() throws {
        #expect(try show(#"{{.Name}}\t{{.Count}}\n\\t{{`\t`}}"#) == #"db_user\t3\n\\t\t"#)
        #expect(try show(#"{{.Name}}\t{{.Count}}\n{{`\t`}}"#, replacesEscapes: true) == "db_user\t3\n\t")
        #expect(try show(#"a \n {{- .Name}}"#, replacesEscapes: true) == "adb_user")
        #expect(try show(#"{{"a\tb\n\\\""}}"#) == "a\tb\n\\\"")
    }

    @Test(arguments: [
        ("{{.Nmae}}", "column 3: there is no field '.Nmae'; did you mean '.Name'?"),
        ("{{.name}}", "did you mean '.Name'?"), ("{{.Spec.Xyz}}", "there is no field '.Xyz'; there are .Name, .Labels, .Driver"),
        ("äö {{.Name.X}}", "column 6: text has no field '.X'"), ("{{.Name", "column 1: '{{' has no end; close it with '}}'"),
        ("{{uper .Name}}", "there is no function 'uper'; did you mean 'upper'?"), ("{{xyzzy .Name}}", "there are and, eq,"),
        ("{{if .Name}}", "'if' has no 'end'"), ("x{{end}}", "column 2: there is no 'if', 'range' or 'with' that this 'end' belongs to"),
        ("{{if .Name}}{{else}}{{else}}{{end}}", "more than one 'else'"), ("{{else}}", "belongs to"), ("{{if .Name}}{{end x}}", "nothing follows 'end'"),
        ("{{range .Name}}{{end}}", "'range' goes through a list, not through text"), ("{{}}", "nothing between"),
        ("{{.Name .Count}}", "this field takes no arguments"), ("{{3 4}}", "a value takes no arguments"), ("{{.Name | 1}}", "name a function after '|'"),
        ("{{.Label}}", "write '.Label \"key\"'"), ("{{.Label 3}}", "takes one word"), ("{{$x}}", "no variable '$x'"), ("{{$x = 1}}", "no variable '$x'"),
        ("{{if true}}{{$x := 1}}{{end}}{{$x}}", "no variable '$x'"), ("{{upper}}", "'upper' does not take 0 arguments; write 'upper .A'"),
        ("{{1 | upper .Name}}", "does not take 2 arguments"), ("{{upper .Count}}", "text is needed here, not a number"),
        ("{{eq .Name 1}}", "text and a number can't be compared"), ("{{index .Parts 2}}", "has 2 elements, and none at 2"),
        ("{{index .Count 2}}", "a number has no elements"), ("{{join .Name \"x\"}}", "can't be joined"), ("{{slice .Name 3 99}}", "outside"),
        ("{{printf \"%d\" .Name}}", "'%d' does not take text"), ("{{printf \"%s\"}}", "no argument for '%s'"), ("{{printf \"x\" 1}}", "more arguments"),
        ("{{printf \"%x\" 1}}", "printf does not know '%x'"), ("{{len .Count}}", "a number has no length"), ("{{1.5}}", "no whole number"),
        ("{{\"open}}", "the text has no end"), ("{{`open}}", "the text has no end"), ("{{\"\\x\"}}", "unknown escape"), ("{{(.Name}}", "'(' has no end"),
        ("{{.Name)}}", "no '('"), ("{{/* open }}", "the comment has no end"), ("{{/* c */ .Name}}", "a comment stands alone"), ("{{..Name}}", "a space is missing"),
        ("{{.Name.}}", "a name is missing after '.'"), ("{{?}}", "'?' is no part of a template"), ("{{define \"x\"}}", "'define' is not supported"),
        ("{{, 1}}", "no meaning here"), ("{{upper lower .Name}}", "needs parentheses"), ("{{$ := 1}}", "can't be set"),
    ])
    func mistakesAreNamedWithTheirPlace(template: String, expected: String) {
        let error = #expect(throws: TemplateError.self) { try show(template) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func nestingHasALimit() {
        for (opening, closing) in [("(", ")"), ("{{if true}}", "{{end}}")] {
            let deep = String(repeating: opening, count: 10_000) + (opening == "(" ? "1" : "") + String(repeating: closing, count: 10_000)
            let error = #expect(throws: TemplateError.self) { try show(opening == "(" ? "{{" + deep + "}}" : deep) }
            #expect(error?.message.contains("too deeply") == true)
        }
    }

    @Test func whateverIsWrittenEndsInTextOrAnError() {
        var state: UInt64 = 1
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let words = [
            "{{", "}}", "{{-", "-}}", " ", ".Name", ".Spec", ".Labels", ".Parts", ".Label", ".", "$", "$x", ":=", "=", ",", "|", "(", ")", "\"a\"", "`b`", "0",
            "-1", "9223372036854775807", "if", "else", "end", "range", "with", "eq", "and", "or", "index", "slice", "printf", "\"%5.2s%d\"", "truncate", "pad",
            "join", "split", "json", "len", "/*", "*/", "\\t", "é\u{301}", "true", "nil",
        ]
        var outcomes = (text: 0, error: 0)
        for _ in 0..<20_000 {
            // Half of them start as an action, so that more get past the scanner.
            var template = next(2) == 0 ? "{{" : ""
            for _ in 0..<next(12) + 1 { template += words[next(words.count)] + (next(2) == 0 ? " " : "") }
            if next(2) == 0 { template += "}}" }
            if (try? show(template)) != nil { outcomes.text += 1 } else { outcomes.error += 1 }
        }
        #expect(outcomes.text > 100 && outcomes.error > 100)
    }

    @Test func aTerminalIsToldNothing() throws {
        let template = try OutputTemplate("{{.Name}}\t{{.Label \"x\"}}")
        let row: TemplateValue = .record([.init("Name", .string("a\u{1B}[2J\n")), .init("Label", .lookup { $0 + "\u{1B}" })])
        #expect(try template.rendered(row) == "a\u{1B}[2J\n\tx\u{1B}")
        #expect(try template.rendered(row, isForTerminal: true) == "a\\x1b[2J\\n\tx\\x1b")
    }
}

@Suite struct ListFormatTests {
    private let columns: [ListFormat.Column] = [
        .init("ID"), .init("Name"), .init("Label", isLookup: true), .init("CreatedAt", header: "CREATED"), .init("ExitCode"), .init("Items"),
        .init("State"),
    ]

    private func row(_ id: String, _ name: String) -> ListFormat.Row {
        .init(
            cells: [id, name],
            document: .record([
                .init("ID", .string(id)), .init("Name", .string(name)), .init("Label", .lookup { "<\($0)>" }),
                .init("CreatedAt", .string("now")), .init("ExitCode", .integer(1)), .init("Items", .list([.string("x")])),
                .init("State", .string("running")),
            ]))
    }

    private func show(_ format: String?, json: ListFormat.JSONStyle = .lines, rows: [ListFormat.Row]? = nil) throws -> String {
        try ListFormat(format, columns: columns).rendered(
            rows ?? [row("1", "one"), row("2", "two\u{1B}\n")], header: ["ID", "NAME"], json: json, isForTerminal: false)
    }

    @Test func withoutAFormatItIsTheUsualTable() throws {
        for format in [nil, "", "table"] {
            #expect(try show(format) == "ID        NAME\n1         one\n2         two\\x1b\\n\n")
        }
    }

    @Test func jsonIsWhatItsReadersExpect() throws {
        let line = #"{"ID":"1","Name":"one","CreatedAt":"now","ExitCode":1,"Items":["x"],"State":"running"}"#
        #expect(try show("json", rows: [row("1", "one")]) == line + "\n")
        #expect(try show("{{json .}}", rows: [row("1", "one")]) == line + "\n")
        #expect(try show("json", json: .array, rows: []) == "[]\n")
        #expect(try show("json", json: .lines, rows: []) == "")
    }

    @Test func aTemplateIsALineForEachRow() throws {
        #expect(try show(#"{{.ID}}\t{{.Label "a.b"}}"#) == "1\t<a.b>\n2\t<a.b>\n")
    }

    @Test func aTableTemplateHasDockersHeader() throws {
        #expect(try show(#"table {{.Name}}\t{{.Label "com.example.my-stage_x"}}\t{{.CreatedAt}}\t{{.ExitCode}}"#) == """
            NAME        my stage x                 CREATED   EXIT CODE
            one         <com.example.my-stage_x>   now       1
            two\\x1b\\n   <com.example.my-stage_x>   now       1

            """)
    }

    @Test(arguments: [
        ("table {{.ID}} {{.Name}}", "ID NAME"), ("table {{upper .Name}}", "NAME"), ("table {{json .}}", ""),
        (#"table {{printf "%s/%s" .ID .Name}}"#, "ID/NAME"), (#"table {{if eq .State "running"}}up{{else}}down{{end}}"#, "STATE"),
        ("table {{if .Name}}{{.Name}}{{else}}-{{end}}", "NAME"), ("table {{range .Items}}{{.}},{{end}}", "ITEMS"),
        ("table {{$n := .Name}}{{$n}}", "NAME"), ("table {{with .Name}}{{.}}{{end}}", "NAME"), ("table {{$.ID}} fixed", "ID fixed"),
    ])
    func aHeaderNamesTheColumns(format: String, expected: String) throws {
        #expect(try show(format, rows: []) == expected + "\n")
    }

    @Test(arguments: [
        ("{{.Nam}}", "did you mean '.Name'?"), ("table {{.id}}", "did you mean '.ID'?"), ("{{if .ID}}{{else}}{{.Foo}}{{end}}", "no field '.Foo'"),
        ("{{range .Items}}{{$.Foo}}{{end}}", "no field '.Foo'"), ("yaml", "give table, json, or a template such as '{{.ID}}'"),
        ("tabel {{.ID", "'{{' has no end"),
    ])
    func whatNoRowHasIsFoundWithoutRows(format: String, expected: String) {
        let error = #expect(throws: TemplateError.self) { try show(format, rows: []) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }
}

@Suite struct NaturalOrderTests {
    @Test func digitsCountAsNumbers() {
        let names = ["web10", "db_user", "web9", "Db_upper", "web", "web09", "a1b2", "a1b10", "a18446744073709551616", "a2"]
        #expect(names.sorted(by: naturallyPrecedes) == [
            "Db_upper", "a1b2", "a1b10", "a2", "a18446744073709551616", "db_user", "web", "web09", "web9", "web10",
        ])
        #expect(!naturallyPrecedes("a", "a"))
    }
}
