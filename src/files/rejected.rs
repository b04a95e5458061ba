//! `rejected.csv`: the rows an import left out, as they stood, each with its reason; and the same file
//! once it is mended, taken apart into the files its rows came from.

use csv::{ByteRecord, WriterBuilder};
use rustc_hash::FxHashMap;

use super::dialect::{Records, squeeze};
use super::formula::copied;
use super::numbers::Shares;
use super::{Sort, Source};
use crate::domain::statement::Rejection;

/// What stands before the cells of each row.
const FRONT: [&str; 4] = [
    "rejected_file",
    "rejected_line",
    "rejected_column",
    "rejected_reason",
];

/// Whether a file is one of these, by its name.
pub(super) fn is_rejected(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let last = last.to_lowercase();
    last.starts_with("rejected") && last.ends_with(".csv")
}

/// The rejected rows of some files as one CSV file: where each stood and why it was rejected, then its
/// cells under the names of their columns. Rows of several files share the columns they have in
/// common. Cells stand byte for byte, so what was not UTF-8 still is not; only a probability of a
/// column of percentages gets its sign, because the column will not be there to say so.
pub fn write_rejected(sources: &[Source], rejections: &[Rejection]) -> Vec<u8> {
    let mut header = ByteRecord::from(FRONT.to_vec());
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
    for source in sources {
        let mut of_line: FxHashMap<u64, &Rejection> = FxHashMap::default();
        for rejection in rejections
            .iter()
            .filter(|rejection| rejection.file == source.name)
        {
            of_line.entry(rejection.line).or_insert(rejection);
        }
        if of_line.is_empty() {
            continue;
        }
        let percent = percent_column(source);
        let mut records = Records::new(&source.bytes);
        let mut columns: Vec<usize> = Vec::new();
        if let Some(names) = records.next() {
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
            let Some(rejection) = of_line.get(&raw.line) else {
                continue;
            };
            let mut row = front(rejection);
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
                    *there = match str::from_utf8(cell) {
                        Ok(cell) => copied(cell).into_owned().into_bytes(),
                        Err(_) => cell.to_vec(),
                    };
                    if percent == Some(nth) && is_bare_number(cell) {
                        there.push(b'%');
                    }
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

/// The place of the probabilities of a file, when the column is one of percentages.
fn percent_column(source: &Source) -> Option<usize> {
    let mut records = Records::new(&source.bytes);
    let names = records.next()?.cells.clone();
    let place = names
        .iter()
        .position(|name| squeeze(&String::from_utf8_lossy(name)) == "probability")?;
    let mut shares = Shares::default();
    while let Some(raw) = records.next() {
        let cell = raw.cells.get(place).unwrap_or_default();
        shares.note(&String::from_utf8_lossy(cell));
    }
    shares.percent.then_some(place)
}

fn is_bare_number(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    !cell.is_empty()
        && cell
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
}

fn front(rejection: &Rejection) -> Vec<Vec<u8>> {
    let line = rejection.line.to_string();
    [&rejection.file, &line, &rejection.column, &rejection.reason]
        .map(|text| text.clone().into_bytes())
        .to_vec()
}

/// A mended file taken apart: the rows of each file they came from, under the columns that any of them
/// fills. Rows keep their lines, so that a reason names the line of the mended file. `None` when it
/// does not say where its rows came from.
pub(super) fn taken_apart(source: &Source) -> Option<Vec<(Sort, Source)>> {
    let mut records = Records::new(&source.bytes);
    let names = records.next()?.cells.clone();
    let is_front = |name: &[u8]| FRONT.iter().any(|front| front.as_bytes() == name);
    let origin = names
        .iter()
        .position(|name| name == FRONT.first().map_or(&b""[..], |name| name.as_bytes()))?;
    let mut rows: Vec<(u64, Sort, ByteRecord)> = Vec::new();
    while let Some(raw) = records.next() {
        let file = raw.cells.get(origin).unwrap_or_default();
        let sort = Sort::of(&String::from_utf8_lossy(file))?;
        rows.push((raw.line, sort, raw.cells.clone()));
    }
    let mut sorts: Vec<Sort> = rows.iter().map(|(_, sort, _)| *sort).collect();
    sorts.sort_unstable();
    sorts.dedup();
    let of_sort = |sort: Sort| {
        let mine = || rows.iter().filter(move |(_, of, _)| *of == sort);
        let is_filled = |place: usize| {
            mine().any(|(_, _, cells)| cells.get(place).is_some_and(|cell| !cell.is_empty()))
        };
        let columns: Vec<usize> = names
            .iter()
            .enumerate()
            .filter(|(place, name)| !is_front(name) && is_filled(*place))
            .map(|(place, _)| place)
            .collect();
        let mut lines = Lines::default();
        lines.write(1, columns.iter().filter_map(|place| names.get(*place)));
        for (line, _, cells) in mine() {
            let kept = columns
                .iter()
                .map(|place| cells.get(*place).unwrap_or_default());
            lines.write(*line, kept);
        }
        let name = source.name.clone();
        let bytes = lines.bytes;
        (sort, Source { name, bytes })
    };
    Some(sorts.into_iter().map(of_sort).collect())
}

/// Records written each on its own line of a file; the lines between stay empty.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    lines: u64,
}

impl Lines {
    fn write<'a>(&mut self, line: u64, cells: impl Iterator<Item = &'a [u8]>) {
        while self.lines + 1 < line {
            self.bytes.push(b'\n');
            self.lines += 1;
        }
        let mut writer = WriterBuilder::new().from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(cells);
        let record = writer.into_inner().unwrap_or_default();
        self.lines += record.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.bytes.extend(record);
    }
}
