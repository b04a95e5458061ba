//! The outermost layer of an export file: byte order mark, delimiter, line ends, quotes, and which
//! line of the file a record begins on. The `csv` crate parses; this decides how it is asked.

use csv::{ByteRecord, Reader, ReaderBuilder};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The records of one file, the header among them.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    line_end: u8,
    reader: Reader<&'a [u8]>,
    /// Where the reader began.
    begun: usize,
    record: ByteRecord,
    /// The line on which `counted` lies.
    line: u64,
    counted: usize,
}

/// One record.
pub(super) struct Raw<'a> {
    /// The line of the file on which it begins.
    pub line: u64,
    /// Its cells.
    pub cells: &'a ByteRecord,
    /// Whether its quotation marks do not pair up. Its cells are then those of its first line as they
    /// stand: what comes after it is read as if it were not there.
    pub is_torn: bool,
}

/// Why a file is no text this program reads, if so.
pub(super) fn trouble(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("The file is UTF-16 text. Save it as \"CSV UTF-8\".");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Some("The file is a workbook, not text. Save the sheet as \"CSV UTF-8\".");
    }
    // A stray zero spoils its row only; text of two bytes a letter is full of them.
    let start = bytes.get(..bytes.len().min(1_000)).unwrap_or_default();
    let zeros = start.iter().filter(|byte| **byte == 0).count();
    (zeros * 4 > start.len()).then_some("The file is not text. Save it as \"CSV UTF-8\".")
}

impl<'a> Records<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let (said, begun) = said_delimiter(bytes);
        let rest = bytes.get(begun..).unwrap_or_default();
        let delimiter = said.unwrap_or_else(|| likely_delimiter(rest));
        // Only files of the oldest Macs end their lines with nothing but a carriage return.
        let line_end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
        Records {
            bytes,
            delimiter,
            line_end,
            reader: reader(rest, delimiter, true),
            begun,
            record: ByteRecord::new(),
            line: 1,
            counted: 0,
        }
    }

    /// The next record; `None` at the end.
    pub fn next(&mut self) -> Option<Raw<'_>> {
        let from = self.place()?;
        // Reading from memory cannot fail, and records of any length are asked for.
        if !self
            .reader
            .read_byte_record(&mut self.record)
            .is_ok_and(|is_one| is_one)
        {
            return None;
        }
        let to = self.place()?;
        // The parser skips blank lines, and the second half of CRLF, when it comes to the next record.
        let read = self.bytes.get(from..to).unwrap_or_default();
        let blank = read
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let start = from + blank;
        let before = self.bytes.get(self.counted..start).unwrap_or_default();
        self.line += before.iter().filter(|byte| **byte == self.line_end).count() as u64;
        self.counted = start;
        let is_torn = !pairs_up(read.get(blank..).unwrap_or_default(), self.delimiter);
        if is_torn {
            self.go_back_to(start);
        }
        Some(Raw {
            line: self.line,
            cells: &self.record,
            is_torn,
        })
    }

    /// The place in the file up to which was read.
    fn place(&self) -> Option<usize> {
        Some(self.begun + usize::try_from(self.reader.position().byte()).ok()?)
    }

    /// Takes the one line that begins at a place for the record, marks and all, and goes on after it:
    /// a mark that is never closed spoils its own row and none of those it would swallow.
    fn go_back_to(&mut self, start: usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| *byte == self.line_end)
            .map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let _ = reader(line, self.delimiter, false).read_byte_record(&mut self.record);
        self.begun = start + length;
        self.reader = reader(after, self.delimiter, true);
    }
}

fn reader(bytes: &[u8], delimiter: u8, quoting: bool) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoting)
        .from_reader(bytes)
}

/// Whether the quotation marks of a record pair up: one opens a cell, and the one that closes it is
/// the last of the cell. Within a cell that does not begin with one they are letters like others.
fn pairs_up(record: &[u8], delimiter: u8) -> bool {
    if !record.contains(&b'"') {
        return true;
    }
    let end = |rest: &[u8]| rest.iter().position(|byte| *byte == delimiter);
    let mut rest = record.trim_ascii_end();
    loop {
        let Some(mut quoted) = rest.strip_prefix(b"\"") else {
            match end(rest).and_then(|end| rest.get(end + 1..)) {
                Some(next) => rest = next,
                None => return true,
            }
            continue;
        };
        // A doubled mark is one of the text; any other closes the cell.
        let after = loop {
            let mark = quoted.iter().position(|byte| *byte == b'"');
            let Some(after) = mark.and_then(|mark| quoted.get(mark + 1..)) else {
                return false;
            };
            match after.strip_prefix(b"\"") {
                Some(more) => quoted = more,
                None => break after,
            }
        };
        match after.split_first() {
            None => return true,
            Some((byte, next)) if *byte == delimiter => rest = next,
            Some(_) => return false,
        }
    }
}

/// The delimiter that a first line `sep=;` gives, as some spreadsheets write it, and where the file goes on.
fn said_delimiter(bytes: &[u8]) -> (Option<u8>, usize) {
    let rest = match bytes.split_at_checked(4) {
        Some((word, rest)) if word.eq_ignore_ascii_case(b"sep=") => rest,
        _ => return (None, 0),
    };
    let line = rest
        .iter()
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'));
    match (line.count(), rest.first()) {
        (1, Some(delimiter)) => (Some(*delimiter), 5),
        _ => (None, 0),
    }
}

/// The delimiter: of those that programs write, the one the header uses most.
fn likely_delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in bytes.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => counts
                .iter_mut()
                .filter(|(delimiter, _)| delimiter == byte)
                .for_each(|(_, count)| *count += 1),
        }
    }
    // The first of equals wins, so a file of a single column is read with commas.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(delimiter, _)| *delimiter)
}

/// A column's name as it is compared: case, spaces, hyphens and underscores make no difference.
pub(super) fn squeeze(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}
