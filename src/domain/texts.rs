//! Every short text of an organisation, once, under a number: ids, names, sources, attribute
//! values. Deals hold the numbers, so they stay small and compare fast. Long free text (notes,
//! evidence) never enters here; it stays in the store until it is asked for.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// The number of a text. [`NONE`] stands for no text.
pub type Text = u32;

/// No text, no person, no customer, no deal: the number that none has.
pub const NONE: u32 = u32::MAX;

/// Texts in one run of memory, and how many of them a run holds before the next begins: a write that
/// brings a new text copies the run it is added to.
const RUN: usize = 512;
/// The index is cut into this many parts, so that adding a text copies one part only.
const PARTS: usize = 256;

#[derive(Debug, Default, Clone)]
struct Run {
    letters: String,
    ends: Vec<u32>,
}

/// The interned texts. Cloning is cheap: a clone shares all runs until one of them is added to.
#[derive(Debug, Clone)]
pub struct Texts {
    runs: Vec<Arc<Run>>,
    index: Vec<Arc<HashTable<Text>>>,
    len: u32,
}

impl Default for Texts {
    fn default() -> Self {
        Texts {
            runs: Vec::new(),
            index: vec![Arc::default(); PARTS],
            len: 0,
        }
    }
}

impl Texts {
    /// How many texts there are; also the number the next new one gets.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text of a number; empty for [`NONE`] and for numbers never given.
    pub fn get(&self, text: Text) -> &str {
        get(&self.runs, text).unwrap_or_default()
    }

    /// The number of a text, if it has one.
    pub fn find(&self, text: &str) -> Option<Text> {
        let hash = FxBuildHasher.hash_one(text);
        let part = self.index.get(part_of(hash))?;
        part.find(hash, |&known| get(&self.runs, known) == Some(text))
            .copied()
    }

    /// The number of a text, given one if it had none.
    pub fn intern(&mut self, text: &str) -> Text {
        match self.find(text) {
            Some(known) => known,
            None => self.push(text),
        }
    }

    /// Adds a text that is known to be new, under the next number.
    pub fn push(&mut self, text: &str) -> Text {
        let number = self.len;
        if (number as usize).is_multiple_of(RUN) {
            self.runs.push(Arc::default());
        }
        if let Some(run) = self.runs.last_mut().map(Arc::make_mut) {
            run.letters.push_str(text);
            run.ends
                .push(u32::try_from(run.letters.len()).unwrap_or(u32::MAX));
        }
        self.len += 1;
        let hash = FxBuildHasher.hash_one(text);
        let runs = &self.runs;
        if let Some(part) = self.index.get_mut(part_of(hash)).map(Arc::make_mut) {
            part.insert_unique(hash, number, |&known| {
                FxBuildHasher.hash_one(get(runs, known).unwrap_or_default())
            });
        }
        number
    }
}

fn get(runs: &[Arc<Run>], text: Text) -> Option<&str> {
    let (run, place) = (text as usize / RUN, text as usize % RUN);
    let run = runs.get(run)?;
    let end = *run.ends.get(place)? as usize;
    let start = if place == 0 {
        0
    } else {
        *run.ends.get(place - 1)? as usize
    };
    run.letters.get(start..end)
}

fn part_of(hash: u64) -> usize {
    // The table itself uses the top and bottom bits; these are from the middle.
    (hash >> 32) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_a_clone_keeps_its_own() {
        let mut texts = Texts::default();
        let numbers: Vec<_> = (0..10_000)
            .map(|n| texts.intern(&format!("text {n}")))
            .collect();
        let before = texts.clone();
        assert_eq!(
            texts.intern("text 4711"),
            numbers.get(4_711).copied().unwrap_or(NONE)
        );
        let new = texts.intern("new");
        assert_eq!(
            (texts.get(new), before.get(new), before.find("new")),
            ("new", "", None)
        );
        assert_eq!(texts.get(NONE), "");
        assert_eq!(texts.intern(""), 10_001);
    }
}
