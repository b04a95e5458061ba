//! The house keeps its rules (ARCHITECTURE.md): which room may use which, what every file
//! opens with, how long it may be, what it may not be called. The compiler cannot hold this for a
//! single crate, so the sources are read as text.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use expansion_pipeline::surfaces::contracts;

use crate::support::root;

/// What each room may use of the others, and the sentence of the rule.
const ROOMS: [(&str, &[&str], &str); 10] = [
    (
        "domain",
        &["refusal"],
        "domain holds nouns: it knows refusals and nothing else",
    ),
    (
        "language",
        &["domain", "refusal"],
        "language turns words into domain values: it knows no report, action or engine",
    ),
    (
        "reports",
        &["domain", "language", "refusal"],
        "reports are pure questions: no action, no engine, no store",
    ),
    (
        "actions",
        &["domain", "language", "refusal"],
        "actions are pure plans: no report, no engine, no store",
    ),
    (
        "asking",
        &["domain", "language", "refusal"],
        "asking asks reports by name: it has no figure of its own",
    ),
    (
        "files",
        &["domain", "language", "refusal"],
        "files speak the CSV dialect: no store, no business rule",
    ),
    (
        "store",
        &["domain"],
        "the store keeps: it knows domain values and no rule about them",
    ),
    (
        "registry",
        &[
            "actions", "asking", "domain", "language", "refusal", "reports",
        ],
        "the registry lists the tools and knows none by name",
    ),
    (
        "engine",
        &[
            "actions", "asking", "domain", "files", "language", "refusal", "registry", "reports",
            "store",
        ],
        "the engine is the one way in: it knows everything but the surfaces",
    ),
    (
        "surfaces",
        &["engine", "refusal", "registry"],
        "surfaces speak: they know the engine and the registry only",
    ),
];

/// Where a file may use more than its room: (file, what, why).
const DEPARTURES: [(&str, &str, &str); 2] = [
    (
        "src/surfaces/cli/",
        "files",
        "the command line reads the files that it is told to import",
    ),
    (
        "src/actions/import/tests/",
        "files",
        "the plan of an import is tested on real files",
    ),
];

/// Crates that belong into some files only: (crate, where, why).
const CRATES: [(&str, &[&str], &str); 10] = [
    ("rusqlite", &["src/store/"], "the store is the only SQL"),
    (
        "rmcp",
        &["src/surfaces/"],
        "a protocol is the business of a surface",
    ),
    (
        "clap",
        &["src/surfaces/cli/", "src/main.rs"],
        "arguments of a process are parsed at the command line",
    ),
    ("tokio", &["src/surfaces/"], "nothing inside is async"),
    (
        "csv",
        &["src/files/", "src/surfaces/rest/rows.rs"],
        "files speak the CSV dialect; rows of an answer are no file",
    ),
    (
        "axum",
        &["src/surfaces/"],
        "HTTP is the business of a surface",
    ),
    (
        "jsonwebtoken",
        &["src/surfaces/http/oidc/"],
        "tokens of a provider are read in one place",
    ),
    (
        "ureq",
        &[
            "src/surfaces/http/oidc/keys.rs",
            "src/surfaces/telemetry.rs",
        ],
        "nothing is fetched but the keys of a provider, and nothing sent but spans",
    ),
    (
        "opentelemetry_otlp",
        &["src/surfaces/telemetry.rs"],
        "spans are sent from one place",
    ),
    (
        "std::fs",
        &["src/files/", "src/store/", "src/surfaces/"],
        "pure rooms read no file",
    ),
];

/// The longest a file may be, in lines. A `tests.rs` may be longer: examples are read one at a time.
const LONGEST: usize = 450;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 7] = [
    "utils", "common", "helpers", "types", "models", "services", "managers",
];

/// All Rust files below a folder: (path from the root with slashes, text).
fn sources(folder: &str) -> Vec<(String, String)> {
    fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    let name = |path: &Path| {
        path.strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/")
    };
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The code of a file without its line comments.
fn code(text: &str) -> String {
    let without = |line: &str| {
        let places = line.match_indices("//").map(|(place, _)| place);
        // In a string, a quotation mark stands open before the slashes.
        let comment = places
            .into_iter()
            .find(|place| line[..*place].matches('"').count().is_multiple_of(2));
        line[..comment.unwrap_or(line.len())].to_owned() + "\n"
    };
    text.lines().map(without).collect()
}

/// The room of a file: the folder or file below `src`.
fn room(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap();
    below.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The rooms that code names as `crate::room…`, also in groups (`use crate::{actions, reports};`).
fn rooms_used(code: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut used = BTreeSet::new();
    for (place, _) in code.match_indices("crate::") {
        let is_longer = code[..place]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = &code[place + "crate::".len()..];
        if is_longer {
            continue;
        }
        let Some(group) = rest.strip_prefix('{') else {
            used.insert(word(rest));
            continue;
        };
        let (mut depth, mut starts) = (0_usize, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                c if starts && c.is_alphabetic() => {
                    used.insert(word(&group[at..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    used.remove("");
    used
}

#[test]
fn groups_of_uses_are_understood() {
    let code = "use crate::{\n    actions::{self, x}, reports };\nuse crate::domain::money::{Currency, divide};\nmy_crate::no();";
    assert_eq!(
        rooms_used(code).into_iter().collect::<Vec<_>>(),
        ["actions", "domain", "reports"]
    );
}

#[test]
fn rooms_use_only_what_they_may() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let room = room(&path);
        if matches!(room, "lib" | "main") {
            continue;
        }
        let (allowed, rule) = ROOMS.iter().find(|(name, _, _)| *name == room).map_or(
            (&[][..], "a room that is not on the plan uses nothing"),
            |(_, allowed, rule)| (*allowed, *rule),
        );
        for used in rooms_used(&code(&text)) {
            let departs = DEPARTURES
                .iter()
                .any(|(file, what, _)| path.starts_with(file) && *what == used);
            if used != room && !allowed.contains(&used.as_str()) && !departs {
                faults.push(format!("{path} uses {used}, but {rule}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let code = code(&text);
        for (name, homes, rule) in CRATES {
            let is_home = homes.iter().any(|home| path.starts_with(home));
            let tests = path.ends_with("/tests.rs");
            let uses = code.match_indices(&format!("{name}::")).any(|(place, _)| {
                !code[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if uses && !is_home && !tests {
                faults.push(format!("{path} uses {name}, but {rule}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_tool_knows_another() {
    let mut faults = Vec::new();
    for tool in expansion_pipeline::registry::tools() {
        for (path, text) in sources("src") {
            let is_own = path.ends_with(&format!("/{}.rs", tool.name));
            let lists = matches!(
                path.as_str(),
                "src/reports/mod.rs" | "src/actions/mod.rs" | "src/asking/mod.rs"
            );
            if !is_own && !lists && code(&text).contains(&format!("{}::", tool.name)) {
                faults.push(format!(
                    "{path} knows the tool {}, but tools are values that nobody knows by name",
                    tool.name
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_belongs_in_it() {
    let silent: Vec<String> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| sources(folder))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(
        silent.is_empty(),
        "these do not open with //! and what belongs in them: {silent:#?}"
    );
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        if path.ends_with("/tests.rs") {
            continue;
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            faults.push(format!("{path} has {lines} lines; {LONGEST} are enough"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_name_is_empty() {
    for (path, _) in ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| sources(folder))
    {
        for part in path.trim_end_matches(".rs").split('/') {
            assert!(
                !EMPTY_NAMES.contains(&part),
                "{path}: '{part}' does not say what is inside"
            );
        }
    }
}

#[test]
fn the_readme_lists_the_tools_there_are() {
    let stale = contracts::stale(root()).unwrap();
    assert!(
        !stale.contains(&"README.md".to_owned()),
        "README.md is stale; run `cargo run -- contracts --write`"
    );
}
