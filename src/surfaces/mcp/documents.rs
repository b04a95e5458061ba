//! The documents that are served beside the figures: each section of DEFINITIONS.md, and what is
//! required with what answers it, from ARCHITECTURE.md. Both files are built into the program.

use std::sync::LazyLock;

const DEFINITIONS: &str = include_str!("../../../DEFINITIONS.md");
const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");

/// The heading of the table of requirements.
const REQUIREMENTS: &str = "What is required, and what answers it";

/// A document in Markdown.
pub struct Document {
    /// What it is called in a URI: "forecast-of-a-period".
    pub name: String,
    /// Its heading.
    pub title: String,
    /// All of it, the heading too.
    pub text: String,
}

/// The sections of DEFINITIONS.md, in their order.
pub fn definitions() -> &'static [Document] {
    static SECTIONS: LazyLock<Vec<Document>> = LazyLock::new(|| sections(DEFINITIONS));
    &SECTIONS
}

/// The table of requirements; `None` when ARCHITECTURE.md has lost it, which a test finds.
pub fn requirements() -> Option<&'static Document> {
    static TABLE: LazyLock<Option<Document>> = LazyLock::new(|| {
        let mut sections = sections(ARCHITECTURE).into_iter();
        sections.find(|section| section.title == REQUIREMENTS)
    });
    TABLE.as_ref()
}

/// The parts of a Markdown text that stand under headings of the second level.
fn sections(text: &str) -> Vec<Document> {
    let mut sections: Vec<Document> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            // "5. Forecast of a period" is found without its number.
            let title =
                heading.trim_start_matches(|c: char| c.is_ascii_digit() || ". ".contains(c));
            sections.push(Document {
                name: slug(title),
                title: title.to_owned(),
                text: String::new(),
            });
        }
        if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections
}

/// A heading as it stands in a URI: lower-case words with hyphens.
fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}
