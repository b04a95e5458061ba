//! Skills (the extension `io.modelcontextprotocol/skills`): how each of the three agents works with
//! the tools. Each is one SKILL.md, built into the program and read like any resource.

use std::sync::LazyLock;

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, GetSkillResult, ListSkillsResult, Resource, Skill, SkillFrontmatter, SkillResource,
    SkillResources,
};

use super::{icons, resources};

/// A skill: its URI, its title for people and its text.
const ALL: [(&str, &str, &str); 3] = [
    (
        "skill://pipeline-expansion/SKILL.md",
        "Skill of the expansion agent",
        include_str!("skills/pipeline-expansion/SKILL.md"),
    ),
    (
        "skill://pipeline-orchestrator/SKILL.md",
        "Skill of the orchestrator",
        include_str!("skills/pipeline-orchestrator/SKILL.md"),
    ),
    (
        "skill://pipeline-researcher/SKILL.md",
        "Skill of the researcher",
        include_str!("skills/pipeline-researcher/SKILL.md"),
    ),
];

fn all() -> &'static [Skill] {
    static SKILLS: LazyLock<Vec<Skill>> = LazyLock::new(|| {
        let skill = |(uri, _, text): &(&str, &str, &str)| {
            let file = SkillResource::from_bytes(*uri, text.as_bytes());
            let (name, description) = (field(text, "name"), field(text, "description"));
            let front = SkillFrontmatter::new(name, description);
            Skill::new(*uri, front, SkillResources::Files(vec![file]))
        };
        ALL.iter().map(skill).collect()
    });
    &SKILLS
}

/// A field of the front matter, which is one line of plain words.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let lines = text.lines().skip(1).take_while(|line| *line != "---");
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    values.next().unwrap_or_default()
}

/// All skills, by name.
pub fn list() -> ListSkillsResult {
    ListSkillsResult::with_all_items(all().to_vec())
        .with_ttl_ms(resources::FIXED)
        .with_cache_scope(CacheScope::Private)
}

/// One skill by its URI.
pub fn get(uri: &str) -> Result<GetSkillResult, ErrorData> {
    let skill = all().iter().find(|skill| skill.uri == uri);
    let skill = skill.ok_or_else(|| {
        let uris: Vec<&str> = ALL.iter().map(|(uri, ..)| *uri).collect();
        let message = format!(
            "There is no such skill. The skills are {}.",
            uris.join(", ")
        );
        ErrorData::invalid_params(message, None)
    })?;
    Ok(GetSkillResult::new(skill.clone()))
}

/// Each SKILL.md as a resource.
pub fn resources() -> impl Iterator<Item = Resource> {
    ALL.iter().zip(all()).map(|((uri, title, text), skill)| {
        Resource::new(*uri, skill.name())
            .with_title(*title)
            .with_description(skill.frontmatter.description.as_str())
            .with_mime_type("text/markdown")
            .with_size(text.len() as u64)
            .with_icons(icons())
    })
}

/// The text at a skill's URI.
pub fn text(uri: &str) -> Option<&'static str> {
    let mut skills = ALL.iter();
    skills.find_map(|(known, _, text)| (*known == uri).then_some(*text))
}
