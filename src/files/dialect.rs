//! The outermost layer of an export file: byte order mark, delimiter, line ends, quotes, and which
//! line of the file a record begins on. The `csv` crate parses; this decides how it is asked.

use csv::{ByteRecord, Reader, ReaderBuilder};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The records of one file, the header among them.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    reader: Reader<&'a [u8]>,
    record: ByteRecord,
    line_end: u8,
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
    /// Whether it runs over several lines and its quotation marks do not pair up.
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
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter(bytes))
            .from_reader(bytes);
        // Only files of the oldest Macs end their lines with nothing but a carriage return.
        let line_end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
        Records {
            bytes,
            reader,
            record: ByteRecord::new(),
            line_end,
            line: 1,
            counted: 0,
        }
    }

    /// The next record; `None` at the end.
    pub fn next(&mut self) -> Option<Raw<'_>> {
        let from = usize::try_from(self.reader.position().byte()).ok()?;
        // Reading from memory cannot fail, and records of any length are asked for.
        if !self
            .reader
            .read_byte_record(&mut self.record)
            .is_ok_and(|is_one| is_one)
        {
            return None;
        }
        let to = usize::try_from(self.reader.position().byte()).ok()?;
        // The parser skips blank lines, and the second half of CRLF, when it comes to the next record.
        let read = self.bytes.get(from..to).unwrap_or_default();
        let blank = read
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let before = self
            .bytes
            .get(self.counted..from + blank)
            .unwrap_or_default();
        self.line += before.iter().filter(|byte| **byte == self.line_end).count() as u64;
        self.counted = from + blank;
        Some(Raw {
            line: self.line,
            cells: &self.record,
            is_torn: is_torn(read.get(blank..).unwrap_or_default()),
        })
    }
}

/// Whether a record swallowed the lines after it because a quotation mark is never closed.
fn is_torn(record: &[u8]) -> bool {
    let body = record.trim_ascii_end();
    body.contains(&b'\n') && body.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// The delimiter: of those that programs write, the one the header uses most.
fn delimiter(bytes: &[u8]) -> u8 {
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
