//! Numbers as spreadsheets write them: `$1,234.50`, `1.234,50 €`, `(1,234.50)`, `37,5 %`. Exact
//! decimals, never a float. A single mark with three digits after it ("12.000") says nothing by
//! itself, so a column is looked through before any of its cells is read.
//!
//! `language::amounts` reads what people say ("85k") and knows one cell only; this reads a column.

use std::borrow::Cow;

use crate::domain::money::{BasisPoints, Currency, LARGEST, divide};
use crate::domain::rates::Rate;
use crate::language::vocabulary::quoted;

/// More digits than this are no number that could be kept.
const DIGITS: usize = 24;

/// What the cells of a column give away about how its numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// Some cell has decimals after a point, or thousands parted by commas.
    point: bool,
    /// Some cell has decimals after a comma, or thousands parted by points.
    comma: bool,
}

/// A cell taken apart: sign, currency, percent sign and digits with their marks.
struct Figures<'a> {
    negative: bool,
    percent: bool,
    currency: &'a str,
    digits: Cow<'a, str>,
}

/// How the digits of a number are parted.
enum Parted {
    Whole,
    Decimals(char),
    Thousands(char),
    /// By one mark with three digits after it, which could be either.
    Either(char),
}

/// An exact decimal, not negative.
struct Decimal {
    digits: i128,
    decimals: u32,
}

impl Marks {
    /// Learns from one cell.
    pub fn note(&mut self, cell: &str) {
        let Some(figures) = figures(cell) else { return };
        match parted(&figures.digits) {
            Parted::Decimals('.') | Parted::Thousands(',') => self.point = true,
            Parted::Decimals(_) | Parted::Thousands(_) => self.comma = true,
            Parted::Whole | Parted::Either(_) => {}
        }
    }

    /// The mark before the decimals of a number; `None` when it has none. What the rest of the column
    /// shows settles a mark that could be either. Without that, "1,234" can only part thousands,
    /// because no amount has three decimals; "1.234" may as well be what a machine wrote.
    fn decimal_mark(self, parted: &Parted) -> Result<Option<char>, ()> {
        match (parted, self.point, self.comma) {
            (Parted::Whole | Parted::Thousands(_), ..)
            | (Parted::Either(','), _, false)
            | (Parted::Either('.'), false, true) => Ok(None),
            (Parted::Decimals(mark), ..) => Ok(Some(*mark)),
            (Parted::Either(','), false, true) => Ok(Some(',')),
            (Parted::Either('.'), true, false) => Ok(Some('.')),
            (Parted::Either(_), ..) => Err(()),
        }
    }
}

/// Reads an amount of money into minor units; the currency is that of its row.
pub(super) fn amount(cell: &str, marks: Marks, currency: Currency) -> Result<i64, String> {
    let figures = figures(cell)
        .filter(|figures| !figures.percent)
        .ok_or_else(|| no_amount(cell))?;
    if !is_sign_of(figures.currency, currency) {
        let code = currency.code();
        return Err(if is_sign(figures.currency) {
            format!("{} is in another currency than {code}", quoted(cell))
        } else {
            no_amount(cell)
        });
    }
    let minor = scaled(cell, &figures, marks, currency.exponent())?;
    if minor > LARGEST {
        return Err(format!("{} is more than this program keeps", quoted(cell)));
    }
    if figures.negative && minor > 0 {
        return Err(format!("{} is negative", quoted(cell)));
    }
    Ok(minor)
}

/// Reads an amount whose currency is not known yet into hundredths of it.
pub(super) fn hundredths(cell: &str, marks: Marks) -> Result<i64, String> {
    amount(cell, marks, Currency::default())
}

/// Reads an exchange rate, exactly. Rates have decimals more often than thousands, so "1.085" is read
/// as a machine writes it unless the column shows that points part thousands.
pub(super) fn rate(cell: &str, marks: Marks) -> Result<Rate, String> {
    let refused = || {
        format!(
            "{} is not a rate; write what one unit is worth, in digits, such as 1.085",
            quoted(cell)
        )
    };
    let in_doubt = || {
        format!(
            "{} could part thousands or decimals, and the rest of the column does not settle it; write it with a point and four decimals",
            quoted(cell)
        )
    };
    let figures = figures(cell)
        .filter(|figures| figures.currency.is_empty() && !figures.percent)
        .ok_or_else(refused)?;
    let mark = match parted(&figures.digits) {
        Parted::Either('.') if !marks.comma => Some('.'),
        // An amount would part thousands by it, but a rate has three decimals as often as not.
        Parted::Either(',') if !marks.point && !marks.comma => return Err(in_doubt()),
        parted => marks.decimal_mark(&parted).map_err(|()| in_doubt())?,
    };
    let decimal = decimal(&figures.digits, mark).ok_or_else(refused)?;
    if figures.negative || decimal.digits == 0 {
        return Err(format!("{} is not above zero", quoted(cell)));
    }
    let exact = Rate::of(decimal.digits, decimal.decimals);
    exact.ok_or_else(|| format!("{} has more than 18 digits", quoted(cell)))
}

/// Reads a plain number into hundredths, rounded half-up; it may be negative.
pub(super) fn score(cell: &str, marks: Marks) -> Result<i64, String> {
    let refused = || format!("{} is not a number", quoted(cell));
    let figures = figures(cell)
        .filter(|figures| figures.currency.is_empty())
        .ok_or_else(refused)?;
    let mark = marks
        .decimal_mark(&parted(&figures.digits))
        .map_err(|()| ambiguous(cell))?;
    let decimal = decimal(&figures.digits, mark).ok_or_else(refused)?;
    let hundredths = rounded(&decimal, 100)
        .filter(|hundredths| *hundredths <= LARGEST)
        .ok_or_else(refused)?;
    Ok(if figures.negative {
        -hundredths
    } else {
        hundredths
    })
}

/// Reads a whole number; a spreadsheet may have added ".0".
pub(super) fn count(cell: &str) -> Option<i64> {
    let whole = cell
        .strip_suffix(".0")
        .or_else(|| cell.strip_suffix(".00"))
        .unwrap_or(cell);
    whole
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| whole.parse().ok())?
}

/// What a column of probabilities is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shares {
    /// Some cell has a % sign or lies above 1, so every cell is a percentage.
    pub percent: bool,
    /// Cells above 0 and up to 1 that have no % sign.
    pub small: u32,
}

impl Shares {
    /// Learns from one cell.
    pub fn note(&mut self, cell: &str) {
        let Some((figures, decimal)) = share_parts(cell) else {
            return;
        };
        let one = 10_i128.pow(decimal.decimals);
        // What is above a hundred is no percentage either, so it says nothing about the others.
        let is_above_one = decimal.digits > one && decimal.digits <= one * 100;
        self.percent |= figures.percent || is_above_one;
        if !figures.percent && decimal.digits > 0 && decimal.digits <= one {
            self.small += 1;
        }
    }

    /// Reads a probability, rounded half-up to the basis point.
    pub fn read(self, cell: &str) -> Result<BasisPoints, String> {
        let (figures, decimal) =
            share_parts(cell).ok_or_else(|| format!("{} is not a probability", quoted(cell)))?;
        let points = rounded(&decimal, if self.percent { 100 } else { 10_000 });
        let points = points.filter(|points| !(figures.negative && *points > 0));
        points
            .and_then(|points| BasisPoints::try_from(points).ok())
            .filter(|points| *points <= 10_000)
            .ok_or_else(|| {
                format!(
                    "{} is not a probability; it lies between 0 % and 100 %",
                    quoted(cell)
                )
            })
    }
}

/// A probability never has thousands, so its only mark stands before decimals.
fn share_parts(cell: &str) -> Option<(Figures<'_>, Decimal)> {
    let figures = figures(cell).filter(|figures| figures.currency.is_empty())?;
    let mark = figures.digits.chars().find(|c| !c.is_ascii_digit());
    let decimal = decimal(&figures.digits, mark)?;
    Some((figures, decimal))
}

/// Takes a cell apart; `None` when it holds anything that no number does.
fn figures(cell: &str) -> Option<Figures<'_>> {
    let cell = cell.trim();
    let is_digit_or_mark = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let start = cell.find(is_digit_or_mark)?;
    let end = cell.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (before, body, after) = (cell.get(..start)?, cell.get(start..end)?, cell.get(end..)?);

    let brackets = (before.contains('('), after.contains(')'));
    let minus = before
        .chars()
        .chain(after.chars())
        .filter(|c| matches!(c, '-' | '−'))
        .count();
    let percents = before
        .chars()
        .chain(after.chars())
        .filter(|c| *c == '%')
        .count();
    let is_neither = |c: char| matches!(c, '(' | ')' | '-' | '−' | '+' | '%') || c.is_whitespace();
    let (before, after) = (
        before.trim_matches(is_neither),
        after.trim_matches(is_neither),
    );
    if brackets.0 != brackets.1
        || minus > 1
        || percents > 1
        || !(before.is_empty() || after.is_empty())
    {
        return None;
    }
    let currency = if before.is_empty() { after } else { before };
    Some(Figures {
        negative: brackets.0 || minus == 1,
        percent: percents == 1,
        currency,
        digits: without_spaces(body)?,
    })
}

/// The digits and marks of a number, without the spaces and apostrophes that part its thousands.
fn without_spaces(body: &str) -> Option<Cow<'_, str>> {
    let is_space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’');
    let joined = if body.contains(is_space) {
        Cow::Owned(joined(body.split(is_space))?)
    } else {
        Cow::Borrowed(body)
    };
    joined
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
        .then_some(joined)
}

/// Groups of three digits put together; decimals can only follow the last.
fn joined<'a>(mut groups: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut joined = groups.next()?.to_owned();
    for group in groups {
        let digits = group
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(group.len());
        if digits != 3 || joined.is_empty() || !joined.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        joined.push_str(group);
    }
    Some(joined)
}

fn parted(digits: &str) -> Parted {
    let Some(last) = digits.rfind(['.', ',']) else {
        return Parted::Whole;
    };
    let (whole, rest) = digits.split_at(last);
    let mark = if rest.starts_with('.') { '.' } else { ',' };
    if whole.contains(mark) {
        return Parted::Thousands(mark);
    }
    let could_be_thousands =
        rest.len() == 4 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if could_be_thousands && whole.bytes().all(|byte| byte.is_ascii_digit()) {
        Parted::Either(mark)
    } else {
        Parted::Decimals(mark)
    }
}

/// The number, given which mark stands before its decimals.
fn decimal(digits: &str, mark: Option<char>) -> Option<Decimal> {
    let (whole, decimals) = match mark {
        Some(mark) => digits.split_once(mark)?,
        None => (digits, ""),
    };
    let has_decimals = !decimals.is_empty() || mark.is_none();
    if !has_decimals || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let joined = ungrouped(whole)? + decimals;
    if joined.is_empty() || joined.len() > DIGITS {
        return None;
    }
    Some(Decimal {
        digits: joined.parse().ok()?,
        decimals: u32::try_from(decimals.len()).ok()?,
    })
}

/// Whole digits without the mark between thousands, in groups of three, or two as in India.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(mark) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return Some(whole.to_owned());
    };
    let groups: Vec<&str> = whole.split(mark).collect();
    let (first, last) = (groups.first()?.len(), groups.last()?.len());
    let middle = groups.get(1..groups.len() - 1)?;
    let is_parted = (1..=3).contains(&first)
        && last == 3
        && (middle.iter().all(|group| group.len() == 3)
            || (first <= 2 && middle.iter().all(|group| group.len() == 2)));
    let joined = groups.concat();
    (is_parted && joined.bytes().all(|byte| byte.is_ascii_digit())).then_some(joined)
}

/// The number in units of 10^-exponent, exactly.
fn scaled(cell: &str, figures: &Figures<'_>, marks: Marks, exponent: u32) -> Result<i64, String> {
    let parted = parted(&figures.digits);
    // No amount has three decimals: a column that says so of this one contradicts itself.
    let mark = marks
        .decimal_mark(&parted)
        .ok()
        .filter(|mark| !(mark.is_some() && matches!(parted, Parted::Either(_))))
        .ok_or_else(|| ambiguous(cell))?;
    let decimal = decimal(&figures.digits, mark).ok_or_else(|| no_amount(cell))?;
    let exact = match decimal.decimals.checked_sub(exponent) {
        Some(surplus) => {
            let by = 10_i128.pow(surplus);
            (decimal.digits % by == 0).then_some(decimal.digits / by)
        }
        None => decimal
            .digits
            .checked_mul(10_i128.pow(exponent - decimal.decimals)),
    };
    let exact =
        exact.ok_or_else(|| format!("{} has more decimals than its currency", quoted(cell)))?;
    i64::try_from(exact).map_err(|_| format!("{} is more than this program keeps", quoted(cell)))
}

fn rounded(decimal: &Decimal, units: i128) -> Option<i64> {
    divide(
        decimal.digits.checked_mul(units)?,
        10_i128.pow(decimal.decimals),
    )
}

/// Whether what stands beside an amount means a currency at all.
fn is_sign(sign: &str) -> bool {
    matches!(
        sign,
        "$" | "€" | "£" | "¥" | "￥" | "₹" | "₩" | "US$" | "kr" | "zł" | "Fr."
    ) || Currency::from_code(sign.trim_end_matches('$')).is_some()
}

/// Whether a sign or code beside an amount can stand for the row's currency.
fn is_sign_of(sign: &str, currency: Currency) -> bool {
    let code = currency.code();
    match sign {
        "" => true,
        "$" => {
            matches!(code, "ARS" | "BRL" | "CLP" | "COP" | "MXN" | "UYU")
                || (code.ends_with('D') && code != "IQD")
        }
        "€" => code == "EUR",
        "£" => matches!(code, "GBP" | "EGP" | "GIP" | "FKP" | "SHP"),
        "¥" | "￥" => matches!(code, "JPY" | "CNY"),
        _ => {
            Currency::from_code(sign.trim_end_matches('$')) == Some(currency)
                || (sign == "US$" && code == "USD")
        }
    }
}

fn no_amount(cell: &str) -> String {
    format!(
        "{} is not an amount; write it in digits, such as 1234.50",
        quoted(cell)
    )
}

fn ambiguous(cell: &str) -> String {
    format!(
        "{} could part thousands or decimals, and the rest of the column does not settle it; write it without marks or with two decimals",
        quoted(cell)
    )
}
