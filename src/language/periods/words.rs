//! From a text to tokens: which words people use about time, and how a number is written. Every
//! synonym lives in the table below, so the grammar knows each idea by one name only. What the
//! tokens mean together is the grammar's business.

use chrono::Weekday;

/// A stretch of time that people count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Half,
    Year,
}

/// One word, sign or number with a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A number of up to three digits.
    Number(u32),
    /// "1st", "first", and the 1 of "1Q26".
    Ordinal(u32),
    /// A number of four digits, mostly a year.
    FourDigits(i32),
    /// The 26 of "'26".
    TwoDigits(i32),
    /// 2026-02-15, 2026/2/15
    Ymd(i32, u32, u32),
    /// 2026-02
    Ym(i32, u32),
    /// 13/02/2026 and 02/13/2026: which number is the day is not known yet.
    Slashed(u32, u32, i32),
    /// A month by its name.
    Month(u32),
    Weekday(Weekday),
    Unit(Unit),
    /// Days from today: today is 0, yesterday −1.
    Day(i32),
    /// this 0, last −1, next 1
    Step(i32),
    /// "trailing", "rolling", "past"
    Trailing,
    /// "fiscal": the years of what follows are the organisation's own.
    Fiscal,
    /// "calendar": the years of what follows begin in January.
    Civil,
    /// The last word of "year to date".
    Date,
    /// "all time", "ever"
    Ever,
    In,
    Within,
    Ago,
    From,
    Between,
    And,
    To,
    Dash,
    Slash,
    Since,
    By,
    Onward,
    Start,
    End,
    Rest,
}

use Token::*;

/// The words and what they stand for; a word that stands for nothing may be left out. The short
/// forms are spelt out here ("ytd" is "year to date"), so the grammar has no rules for them.
const WORDS: &[(&str, &[Token])] = &[
    ("the of for during over on at all whole entire full", &[]),
    ("today now", &[Day(0)]),
    ("yesterday", &[Day(-1)]),
    ("tomorrow", &[Day(1)]),
    ("d day days", &[Unit(Unit::Day)]),
    ("w wk wks week weeks", &[Unit(Unit::Week)]),
    ("m mo mos month months", &[Unit(Unit::Month)]),
    ("q qtr qtrs quarter quarters", &[Unit(Unit::Quarter)]),
    ("h half halves", &[Unit(Unit::Half)]),
    ("y yr yrs year years", &[Unit(Unit::Year)]),
    ("this current", &[Step(0)]),
    ("last previous prev prior", &[Step(-1)]),
    ("next coming upcoming following", &[Step(1)]),
    ("trailing rolling past", &[Trailing]),
    ("fiscal", &[Fiscal]),
    ("fy", &[Fiscal, Unit(Unit::Year)]),
    ("calendar", &[Civil]),
    ("cy", &[Civil, Unit(Unit::Year)]),
    ("ttm ltm", &[Trailing, Number(12), Unit(Unit::Month)]),
    ("ytd", &[Unit(Unit::Year), To, Date]),
    ("fytd", &[Fiscal, Unit(Unit::Year), To, Date]),
    ("qtd", &[Unit(Unit::Quarter), To, Date]),
    ("mtd", &[Unit(Unit::Month), To, Date]),
    ("wtd", &[Unit(Unit::Week), To, Date]),
    ("eoy", &[End, Unit(Unit::Year)]),
    ("eoq", &[End, Unit(Unit::Quarter)]),
    ("eom", &[End, Unit(Unit::Month)]),
    ("eow", &[End, Unit(Unit::Week)]),
    ("date", &[Date]),
    ("ever", &[Ever]),
    ("in", &[In]),
    ("within", &[Within]),
    ("ago", &[Ago]),
    ("from", &[From]),
    ("between", &[Between]),
    ("and", &[And]),
    ("to through thru until till", &[To]),
    ("since", &[Since]),
    ("by", &[By]),
    ("onward onwards", &[Onward]),
    ("start beginning", &[Start]),
    ("end", &[End]),
    ("rest remainder remaining", &[Rest]),
    ("jan january", &[Month(1)]),
    ("feb february", &[Month(2)]),
    ("mar march", &[Month(3)]),
    ("apr april", &[Month(4)]),
    ("may", &[Month(5)]),
    ("jun june", &[Month(6)]),
    ("jul july", &[Month(7)]),
    ("aug august", &[Month(8)]),
    ("sep sept september", &[Month(9)]),
    ("oct october", &[Month(10)]),
    ("nov november", &[Month(11)]),
    ("dec december", &[Month(12)]),
    ("mon monday", &[Weekday(Weekday::Mon)]),
    ("tue tues tuesday", &[Weekday(Weekday::Tue)]),
    ("wed weds wednesday", &[Weekday(Weekday::Wed)]),
    ("thu thur thurs thursday", &[Weekday(Weekday::Thu)]),
    ("fri friday", &[Weekday(Weekday::Fri)]),
    ("sat saturday", &[Weekday(Weekday::Sat)]),
    ("sun sunday", &[Weekday(Weekday::Sun)]),
    ("a an one", &[Number(1)]),
    ("two", &[Number(2)]),
    ("three", &[Number(3)]),
    ("four", &[Number(4)]),
    ("five", &[Number(5)]),
    ("six", &[Number(6)]),
    ("seven", &[Number(7)]),
    ("eight", &[Number(8)]),
    ("nine", &[Number(9)]),
    ("ten", &[Number(10)]),
    ("eleven", &[Number(11)]),
    ("twelve", &[Number(12)]),
    ("thirteen", &[Number(13)]),
    ("fourteen", &[Number(14)]),
    ("fifteen", &[Number(15)]),
    ("sixteen", &[Number(16)]),
    ("seventeen", &[Number(17)]),
    ("eighteen", &[Number(18)]),
    ("nineteen", &[Number(19)]),
    ("twenty", &[Number(20)]),
    ("thirty", &[Number(30)]),
    ("forty", &[Number(40)]),
    ("fifty", &[Number(50)]),
    ("sixty", &[Number(60)]),
    ("ninety", &[Number(90)]),
    ("first", &[Ordinal(1)]),
    ("second", &[Ordinal(2)]),
    ("third", &[Ordinal(3)]),
    ("fourth", &[Ordinal(4)]),
];

/// The tokens of a text; `None` when a word or sign in it has nothing to do with time.
pub(super) fn tokens(words: &str) -> Option<Vec<Token>> {
    let text: String = words.to_lowercase().chars().map(plain).collect();
    let mut rest = text.as_str();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        rest = if first.is_ascii_digit() {
            number(rest, &mut tokens)?
        } else if first.is_ascii_alphabetic() {
            word(rest, &mut tokens)?
        } else {
            sign(first, rest, &mut tokens)?
        };
    }
    Some(tokens)
}

/// One dash, one apostrophe and one ellipsis for the many that keyboards make.
fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '`' => '\'',
        c => c,
    }
}

fn word<'a>(text: &'a str, tokens: &mut Vec<Token>) -> Option<&'a str> {
    let (word, rest) = run(text, |c| c.is_ascii_alphabetic());
    if matches!(word, "t" | "l") && rest.starts_with(|c: char| c.is_ascii_digit()) {
        tokens.push(Trailing); // "T12M", "L90D"
        return Some(rest);
    }
    let joined = |words: &[&str]| {
        let rest = rest.trim_start_matches([' ', '-', '_']);
        words.iter().find_map(|word| suffix(rest, word))
    };
    let two_words = match word {
        "all" => joined(&["time"]).map(|rest| (rest, &[Ever][..])),
        "so" => joined(&["far"]).map(|rest| (rest, &[To, Date][..])),
        // A half-year is a half; what it is not is a half and a year.
        "half" => joined(&["year", "years"]).map(|rest| (rest, &[Unit(Unit::Half)][..])),
        _ => None,
    };
    if let Some((rest, meaning)) = two_words {
        tokens.extend_from_slice(meaning);
        return Some(rest);
    }
    if let Some((month, rest)) = month_and_year(word, rest, tokens) {
        tokens.push(month);
        return Some(rest);
    }
    tokens.extend_from_slice(meaning(word)?);
    Some(rest)
}

/// What a word stands for; `None` when it has nothing to do with time.
fn meaning(word: &str) -> Option<&'static [Token]> {
    WORDS
        .iter()
        .find(|(spellings, _)| spellings.split(' ').any(|spelling| spelling == word))
        .map(|(_, meaning)| *meaning)
}

/// The month that a word names.
fn month(word: &str) -> Option<u32> {
    match meaning(word)? {
        [Month(month)] => Some(*month),
        _ => None,
    }
}

/// "Feb-26" and "Feb/26" are a month of a year, as spreadsheets write them. After a number the 26 is
/// a day: "15 Feb-26", "2026-Feb-15".
fn month_and_year<'a>(word: &str, text: &'a str, before: &[Token]) -> Option<(Token, &'a str)> {
    if let [.., Number(_) | Ordinal(_) | FourDigits(_)]
    | [.., Number(_) | Ordinal(_) | FourDigits(_), Dash | Slash] = before
    {
        return None;
    }
    let month = month(word)?;
    let sign = text.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let (year, rest) = run(text.strip_prefix(sign)?, |c| c.is_ascii_digit());
    let (after, _) = run(rest.strip_prefix(sign).unwrap_or_default(), |c| {
        c.is_ascii_digit()
    });
    let ends = year.len() == 2 && after.len() != 4;
    let is_year = ends && !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_year.then_some(())?;
    Some((Ym(2000 + year.parse::<i32>().ok()?, month), rest))
}

fn sign<'a>(first: char, text: &'a str, tokens: &mut Vec<Token>) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix("..") {
        tokens.push(To);
        return Some(rest.trim_start_matches('.'));
    }
    let rest = text.strip_prefix(first)?;
    match first {
        '-' => {
            tokens.push(Dash);
            return Some(rest.trim_start_matches('-'));
        }
        '/' => tokens.push(Slash),
        '…' => tokens.push(To),
        '\'' => return apostrophe(rest, tokens),
        ',' | '.' | '?' | '!' | '_' => {}
        c if c.is_whitespace() => {}
        _ => return None,
    }
    Some(rest)
}

/// "'26" is a year and "today's" is "today".
fn apostrophe<'a>(text: &'a str, tokens: &mut Vec<Token>) -> Option<&'a str> {
    let (digits, rest) = run(text, |c| c.is_ascii_digit());
    match digits.len() {
        2 => tokens.push(TwoDigits(digits.parse().ok()?)),
        0 => return suffix(text, "s"),
        _ => return None,
    }
    Some(rest)
}

fn number<'a>(text: &'a str, tokens: &mut Vec<Token>) -> Option<&'a str> {
    let (digits, rest) = run(text, |c| c.is_ascii_digit());
    let follows_a_name = matches!(
        tokens.as_slice(),
        [.., Unit(_) | Month(_)] | [.., Unit(_) | Month(_), Dash | Slash]
    );
    let date = date_in_digits(digits, rest).or_else(|| date_with_a_month(digits, rest));
    if let Some((date, rest)) = date {
        // "Q1-2026" is no first month: its 1 belongs to the Q.
        if !(follows_a_name && digits.len() <= 2 && matches!(date, Ym(..))) {
            tokens.push(date);
            return Some(rest);
        }
    }
    if let Some(rest) = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| suffix(rest, ending))
    {
        tokens.push(Ordinal(short(digits)?));
        return Some(rest);
    }
    let counts_a_part = suffix(rest, "q").or_else(|| suffix(rest, "h")).is_some();
    tokens.push(match digits.len() {
        4 => FourDigits(digits.parse().ok()?),
        1 if counts_a_part => Ordinal(short(digits)?),
        _ => Number(short(digits)?),
    });
    Some(rest)
}

/// A date written in digits alone, its parts held together by the same sign and no spaces.
fn date_in_digits<'a>(first: &str, text: &'a str) -> Option<(Token, &'a str)> {
    let sign = text
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '/' | '.'))?;
    let part = |text: &'a str| Some(run(text.strip_prefix(sign)?, |c| c.is_ascii_digit()));
    let (second, after_second) = part(text)?;
    let (third, after_third) = part(after_second).unwrap_or_default();
    match (first.len(), second.len(), third.len()) {
        (4, 1..=2, 1..=2) => Some((
            Ymd(first.parse().ok()?, short(second)?, short(third)?),
            after_third,
        )),
        (1..=2, 1..=2, 4) => Some((
            Slashed(short(first)?, short(second)?, third.parse().ok()?),
            after_third,
        )),
        (4, 2, _) if sign != '.' => Some((Ym(first.parse().ok()?, short(second)?), after_second)),
        (1..=2, 4, 0) => Some((Ym(second.parse().ok()?, short(first)?), after_second)),
        _ => None,
    }
}

/// "5-Mar-26": a day, the name of a month and two digits of a year, held together by the same sign.
fn date_with_a_month<'a>(day: &str, text: &'a str) -> Option<(Token, &'a str)> {
    let sign = text
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '/' | '.'))?;
    let (name, rest) = run(text.strip_prefix(sign)?, |c| c.is_ascii_alphabetic());
    let (year, rest) = run(rest.strip_prefix(sign)?, |c| c.is_ascii_digit());
    let is_year = year.len() == 2 && !rest.starts_with(|c: char| c.is_ascii_alphabetic());
    let day = Some(day).filter(|day| day.len() <= 2 && is_year)?;
    let date = Ymd(2000 + year.parse::<i32>().ok()?, month(name)?, short(day)?);
    Some((date, rest))
}

/// A number of up to three digits.
fn short(digits: &str) -> Option<u32> {
    if digits.len() <= 3 {
        digits.parse().ok()
    } else {
        None
    }
}

/// What follows an ending, when no further letter does.
fn suffix<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    text.strip_prefix(ending)
        .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The longest beginning whose characters all fit, and the rest.
fn run(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Every spelling in the table, for tests that put words together at random.
#[cfg(test)]
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|(spellings, _)| spellings.split(' '))
}
