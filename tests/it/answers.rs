//! Every worked case gives its answer. A case is `tests/answers/<tool>/<case>.json`:
//!
//! | Key | Meaning |
//! |---|---|
//! | `why` | what it shows, with the arithmetic, so that a person can check it against the CSV |
//! | `portfolio` | a folder of `fixtures`; `""` for a database without any deal |
//! | `today` | the business date it is asked on |
//! | `settings` | the organisation's settings, made before the import |
//! | `before` | what happens first: `{tool, arguments, today?}`, `{import: folder}`, `{settings: {…}}` or, for a later export of a line or two, `{files: {name: [lines]}}` |
//! | `role` | the role it is asked in; without it admin |
//! | `query` | the arguments of the tool |
//! | `report` | what the structured answer must hold |
//! | `refusal` | instead: what the refusal must hold (`code`, `kind`, `message`, `hint`, `candidates`) |
//! | `text_contains` | words that the text of the answer must hold |
//! | `then` | further questions of the same portfolio: `{tool, arguments, report or refusal}` |
//!
//! `report` and `refusal` are subsets that must match exactly where something is given: of an object
//! the given keys only, of an array every item in order. Four endings of a key say otherwise, see
//! [`differences`]. In arguments and reports `"$0/next_cursor"` stands for that part of the first
//! answer (those of `before`, then the one asked for), and in arguments `{"$repeat": ["x", 3]}` for
//! "xxx".

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use expansion_pipeline::engine::{Answer, Role};
use expansion_pipeline::files::Source;
use expansion_pipeline::refusal::{Code, Refusal};
use expansion_pipeline::registry;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::{
    Portfolio, answer, answer_to, caller, differences, empty, engine, portfolio_with, root,
};

/// Codes that no question of a sound database is refused with: they need a file or a disk that is
/// broken, or belong to importing, so they are proven with real processes in `processes.rs`.
const PROVEN_WITH_PROCESSES: [Code; 16] = [
    Code::Cancelled,
    Code::DamagedLog,
    Code::NotEmpty,
    Code::FileNotWritable,
    Code::ImportRejected,
    Code::FileNotReadable,
    Code::NoDatabase,
    Code::UnknownOrganisation,
    Code::NotADatabase,
    Code::NewerDatabase,
    Code::OlderDatabase,
    Code::ReadOnly,
    Code::DamagedDatabase,
    Code::DatabaseReadOnly,
    Code::DatabaseLocked,
    Code::DiskFull,
];

/// A worked case as it stands in its file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub tool: String,
    why: String,
    portfolio: String,
    today: String,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    before: Vec<Step>,
    /// The role it is asked in; else admin.
    role: Option<String>,
    query: Value,
    report: Option<Value>,
    refusal: Option<Value>,
    #[serde(default)]
    text_contains: Vec<String>,
    #[serde(default)]
    then: Vec<Question>,
}

/// What happens before a question is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    Call {
        tool: String,
        arguments: Value,
        today: Option<String>,
    },
    Import {
        import: String,
    },
    Files {
        files: BTreeMap<String, Vec<String>>,
    },
    Settings {
        settings: BTreeMap<String, String>,
    },
}

/// A further question, asked of the same portfolio afterwards.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    tool: String,
    arguments: Value,
    report: Option<Value>,
    refusal: Option<Value>,
}

/// What a tool answered to a case or on the way to it.
pub type Answered = (String, Result<Answer, Refusal>);

/// A case that was run.
pub struct Outcome {
    pub case: Case,
    /// Every answer: those of `before`, the one asked for, those of `then`.
    pub answers: Vec<Answered>,
    /// Where they differ from what is expected, in lines.
    different: Vec<String>,
}

/// All cases, by name, run once for every test that looks at them.
pub fn outcomes() -> &'static [Outcome] {
    static OUTCOMES: LazyLock<Vec<Outcome>> = LazyLock::new(|| run_all(cases()));
    &OUTCOMES
}

fn cases() -> Vec<Case> {
    let folder = root().join("tests/answers");
    let mut cases = Vec::new();
    for tool in fs::read_dir(&folder).unwrap().flatten() {
        let name = tool.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(tool.path())
            .unwrap_or_else(|_| panic!("{name} is no folder of cases"))
            .flatten()
        {
            let path = file.path();
            let text = fs::read_to_string(&path).unwrap();
            let mut case: Case = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            case.name = format!("{name}/{}", path.file_stem().unwrap().to_string_lossy());
            case.tool = name.clone();
            cases.push(case);
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// Whether it changes nothing, so that it may share its portfolio with others.
    fn only_reads(&self) -> bool {
        self.before.is_empty()
            && self.then.is_empty()
            && registry::find(&self.tool).map_or(true, |tool| tool.is_read_only())
    }

    fn open(&self) -> Portfolio {
        let settings: Vec<_> = self.settings.clone().into_iter().collect();
        if self.portfolio.is_empty() {
            let nothing = empty(&self.today);
            // Changing settings makes the database, even when it changes none.
            nothing.change_settings(settings, &caller()).unwrap();
            return nothing;
        }
        portfolio_with(&self.portfolio, &self.today, &settings)
    }

    fn run(&self, portfolio: &Portfolio) -> Outcome {
        let mut answers: Vec<Answered> = Vec::new();
        let mut different = Vec::new();
        for (place, step) in self.before.iter().enumerate() {
            match step {
                Step::Import { import } => {
                    assert!(
                        portfolio.import_folder(import).written,
                        "{}: {import} was not imported",
                        self.name
                    );
                }
                Step::Files { files } => {
                    let source = |(name, lines): (&String, &Vec<String>)| Source {
                        name: name.clone(),
                        bytes: lines.join("\n").into_bytes(),
                    };
                    let imported = portfolio
                        .import(files.iter().map(source).collect(), None, &caller())
                        .unwrap();
                    assert!(
                        imported.written,
                        "{}: {:#?}",
                        self.name, imported.rejections
                    );
                }
                Step::Settings { settings } => {
                    let settings = settings.clone().into_iter().collect();
                    portfolio.change_settings(settings, &caller()).unwrap();
                }
                Step::Call {
                    tool,
                    arguments,
                    today,
                } => {
                    let arguments = filled(arguments, &answers);
                    let answered = match today {
                        Some(today) => {
                            answer(&engine(&portfolio.database(), today), tool, arguments)
                        }
                        None => portfolio.answer(tool, arguments),
                    };
                    if let Err(refusal) = &answered {
                        different.push(format!("before[{place}]: refused: {refusal}"));
                    }
                    answers.push((tool.clone(), answered));
                }
            }
        }
        let asking = match &self.role {
            None => caller(),
            Some(role) => caller().in_role(Role::from_word(role).expect("a role")),
        };
        let query = filled(&self.query, &answers);
        let answered = answer_to(portfolio, &self.tool, query, &asking);
        let report = self.report.as_ref().map(|report| filled(report, &answers));
        compare(
            "",
            &answered,
            report.as_ref(),
            self.refusal.as_ref(),
            &mut different,
        );
        if let Ok(answer) = &answered {
            for words in self
                .text_contains
                .iter()
                .filter(|words| !answer.text.contains(*words))
            {
                different.push(format!("text: no \"{words}\" in\n{}", answer.text));
            }
        }
        answers.push((self.tool.clone(), answered));
        for (place, question) in self.then.iter().enumerate() {
            let answered = portfolio.answer(&question.tool, filled(&question.arguments, &answers));
            let path = format!("then[{place}]");
            let report = question
                .report
                .as_ref()
                .map(|report| filled(report, &answers));
            compare(
                &path,
                &answered,
                report.as_ref(),
                question.refusal.as_ref(),
                &mut different,
            );
            answers.push((question.tool.clone(), answered));
        }
        Outcome {
            case: self.clone(),
            answers,
            different,
        }
    }
}

fn compare(
    path: &str,
    answered: &Result<Answer, Refusal>,
    report: Option<&Value>,
    refusal: Option<&Value>,
    different: &mut Vec<String>,
) {
    match (answered, report, refusal) {
        (Ok(answer), Some(report), None) => {
            differences(report, &answer.structured, path, different)
        }
        (Err(found), None, Some(refusal)) => differences(refusal, &fields(found), path, different),
        (Ok(answer), None, Some(refusal)) => {
            different.push(format!(
                "{path}: expected the refusal {refusal}\n      got {}",
                answer.structured
            ));
        }
        (Err(found), Some(_), None) => {
            different.push(format!("{path}: expected a report\n      got {found}"))
        }
        _ => different.push(format!(
            "{path}: a case expects a report or a refusal, and one of them only"
        )),
    }
}

fn fields(refusal: &Refusal) -> Value {
    json!({
        "code": refusal.code.name(),
        "kind": refusal.code.kind().name(),
        "message": refusal.message,
        "hint": refusal.hint,
        "candidates": refusal.candidates,
    })
}

/// Arguments with what they refer to put in its place.
fn filled(arguments: &Value, answers: &[Answered]) -> Value {
    match arguments {
        Value::String(text) => {
            let reference = text.strip_prefix('$').and_then(|rest| rest.split_once('/'));
            let Some((number, pointer)) = reference else {
                return arguments.clone();
            };
            let Ok(number) = number.parse::<usize>() else {
                return arguments.clone();
            };
            let (_, answered) = &answers[number];
            let answered = answered
                .as_ref()
                .unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            answered
                .structured
                .pointer(&format!("/{pointer}"))
                .unwrap_or_else(|| panic!("{text} is not there"))
                .clone()
        }
        Value::Array(items) => items.iter().map(|item| filled(item, answers)).collect(),
        Value::Object(object) => {
            if let Some(Value::Array(repeat)) = object.get("$repeat") {
                let times = usize::try_from(repeat[1].as_u64().unwrap()).unwrap();
                return Value::String(repeat[0].as_str().unwrap().repeat(times));
            }
            let part = |(key, value): (&String, &Value)| (key.clone(), filled(value, answers));
            Value::Object(object.iter().map(part).collect::<Map<_, _>>())
        }
        plain => plain.clone(),
    }
}

/// Runs all cases on two threads. Cases that only read share an import of the same portfolio.
fn run_all(cases: Vec<Case>) -> Vec<Outcome> {
    let mut groups: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases {
        let key = if case.only_reads() {
            format!("{} {} {:?}", case.portfolio, case.today, case.settings)
        } else {
            case.name.clone()
        };
        groups.entry(key).or_default().push(case);
    }
    let groups: Vec<Vec<Case>> = groups.into_values().collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let portfolio = group[0].open();
                    let outcomes: Vec<Outcome> =
                        group.iter().map(|case| case.run(&portfolio)).collect();
                    done.lock().unwrap().extend(outcomes);
                }
            });
        }
    });
    let mut outcomes = done.into_inner().unwrap();
    outcomes.sort_by(|a: &Outcome, b| a.case.name.cmp(&b.case.name));
    outcomes
}

#[test]
fn every_case_gives_its_answer() {
    let mut failed = Vec::new();
    for outcome in outcomes()
        .iter()
        .filter(|outcome| !outcome.different.is_empty())
    {
        let Case {
            name,
            why,
            portfolio,
            today,
            query,
            ..
        } = &outcome.case;
        let shown: String = query.to_string().chars().take(300).collect();
        let lines: String = outcome
            .different
            .iter()
            .map(|line| format!("    {line}\n"))
            .collect();
        failed.push(format!(
            "{name}: {portfolio} on {today}, asked {shown}\n  {why}\n{lines}"
        ));
    }
    let all = outcomes().len();
    assert!(
        failed.is_empty(),
        "{} of {all} cases fail:\n\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn every_case_says_why() {
    for outcome in outcomes() {
        assert!(
            outcome.case.why.len() >= 30,
            "{} does not say what it shows",
            outcome.case.name
        );
    }
}

#[test]
fn every_tool_has_a_case_that_is_answered() {
    let answered: BTreeSet<&str> = outcomes()
        .iter()
        .filter(|outcome| outcome.case.report.is_some())
        .map(|outcome| outcome.case.tool.as_str())
        .collect();
    for tool in registry::tools() {
        assert!(
            answered.contains(tool.name),
            "{} has no worked case in tests/answers",
            tool.name
        );
    }
}

#[test]
fn every_refusal_has_a_case() {
    let expected =
        |refusal: &Option<Value>| Some(refusal.as_ref()?.get("code")?.as_str()?.to_owned());
    let mut proven: BTreeSet<String> = BTreeSet::new();
    for outcome in outcomes() {
        proven.extend(expected(&outcome.case.refusal));
        proven.extend(
            outcome
                .case
                .then
                .iter()
                .filter_map(|question| expected(&question.refusal)),
        );
    }
    for code in Code::ALL {
        let elsewhere = PROVEN_WITH_PROCESSES.contains(code);
        let here = proven.contains(code.name());
        assert!(
            here || elsewhere,
            "no case is refused with {}: {}",
            code.name(),
            code.meaning()
        );
    }
    for code in &proven {
        assert!(
            Code::ALL.iter().any(|known| known.name() == code),
            "{code} is no code of this program"
        );
    }
}

#[test]
fn every_requirement_is_proven_by_a_case() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| FR-155."))
        .collect();
    assert_eq!(rows.len(), 21);
    for row in rows {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for case in proof.split(", ") {
            let path = format!("tests/answers/{}.json", case.trim_matches('`'));
            assert!(root().join(&path).exists(), "{row}\nnames {path}");
        }
    }
}
