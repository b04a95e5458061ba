//! `rejected.csv`: the rows an import left out, as they stood, each with its reason.

use csv::{ByteRecord, WriterBuilder};
use rustc_hash::FxHashMap;

use super::Source;
use super::dialect::{Records, squeeze};
use crate::domain::statement::Rejection;

/// What stands before the cells of each row.
const FRONT: [&str; 4] = [
    "rejected_file",
    "rejected_line",
    "rejected_column",
    "rejected_reason",
];

/// The rejected rows of some files as one CSV file: where each stood and why it was rejected, then its
/// cells under the names of their columns. Rows of several files share the columns they have in
/// common. Cells stand byte for byte, so what was not UTF-8 still is not.
pub fn write_rejected(sources: &[Source], rejections: &[Rejection]) -> Vec<u8> {
    let mut header = ByteRecord::from(FRONT.to_vec());
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
    for source in sources {
        let mut of_line: FxHashMap<u64, Vec<&Rejection>> = FxHashMap::default();
        for rejection in rejections
            .iter()
            .filter(|rejection| rejection.file == source.name)
        {
            of_line.entry(rejection.line).or_default().push(rejection);
        }
        if of_line.is_empty() {
            continue;
        }
        let mut records = Records::new(&source.bytes);
        let mut columns: Vec<usize> = Vec::new();
        if let Some(names) = records.next() {
            for rejection in of_line.remove(&names.line).unwrap_or_default() {
                rows.push(front(rejection));
            }
            for name in names.cells {
                let next = places.len();
                let place = *places
                    .entry(squeeze(&String::from_utf8_lossy(name)))
                    .or_insert(next);
                if place == next {
                    header.push_field(name);
                }
                columns.push(place);
            }
        }
        while let Some(raw) = records.next() {
            let Some(about) = of_line.get(&raw.line) else {
                continue;
            };
            let Some(first) = about.first() else { continue };
            let mut row = front(first);
            for (nth, cell) in raw.cells.iter().enumerate() {
                // Cells beyond the header come after all columns.
                let place = FRONT.len()
                    + columns
                        .get(nth)
                        .copied()
                        .unwrap_or(places.len() + nth - columns.len().min(nth));
                if row.len() <= place {
                    row.resize(place + 1, Vec::new());
                }
                if let Some(there) = row.get_mut(place) {
                    *there = cell.to_vec();
                }
            }
            rows.push(row);
        }
    }
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let width = header.len();
    // Writing to memory cannot fail.
    let _ = writer.write_byte_record(&header);
    for mut row in rows {
        row.resize(row.len().max(width), Vec::new());
        let _ = writer.write_record(&row);
    }
    writer.into_inner().unwrap_or_default()
}

fn front(rejection: &Rejection) -> Vec<Vec<u8>> {
    let line = rejection.line.to_string();
    [&rejection.file, &line, &rejection.column, &rejection.reason]
        .map(|text| text.clone().into_bytes())
        .to_vec()
}
