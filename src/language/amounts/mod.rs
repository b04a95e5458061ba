//! Amounts of money as people write them: "$85,000.50", "85k", "1.2 million", "(1,234.50)". Exact
//! to the minor unit, without a float. Which currency it is in, and whether a negative amount makes
//! sense, the caller knows; words that name another currency are refused, never converted.

#[cfg(test)]
mod tests;

use iso_currency::Currency as Iso;

use super::vocabulary::quoted;
use crate::domain::money::Currency;
use crate::refusal::{Code, Refusal, Result};

/// The largest amount that is kept, in minor units; no deal comes near it.
const MOST: i64 = 1_000_000_000_000;
/// More digits than this are no amount that could be kept.
const DIGITS: usize = 30;

/// The signs that may stand before or after a number, and the currencies each may stand for;
/// longer spellings first.
const SIGNS: &[(&str, &str)] = &[
    ("us$", "USD"),
    ("ca$", "CAD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("sg$", "SGD"),
    ("mx$", "MXN"),
    ("nt$", "TWD"),
    ("c$", "CAD"),
    ("a$", "AUD"),
    ("s$", "SGD"),
    ("r$", "BRL"),
    (
        "$",
        "USD CAD AUD NZD HKD SGD TWD MXN ARS BRL CLP COP UYU DOP BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD \
         TTD XCD",
    ),
    ("€", "EUR"),
    ("£", "GBP EGP FKP GIP SHP"),
    ("¥", "JPY CNY"),
    ("￥", "JPY CNY"),
    ("₹", "INR"),
    ("₩", "KRW"),
    ("₪", "ILS"),
    ("₺", "TRY"),
    ("₽", "RUB"),
    ("₴", "UAH"),
    ("₱", "PHP"),
    ("₫", "VND"),
    ("₦", "NGN"),
    ("฿", "THB"),
    ("zł", "PLN"),
    ("kr", "SEK NOK DKK ISK"),
];

/// Words that multiply, as powers of ten; longer spellings first.
const MULTIPLES: &[(&str, i32)] = &[
    ("thousand", 3),
    ("million", 6),
    ("billion", 9),
    ("mio", 6),
    ("mn", 6),
    ("mm", 6),
    ("bn", 9),
    ("k", 3),
    ("m", 6),
    ("b", 9),
];

/// Why words are not taken for an amount.
enum Trouble {
    NotANumber,
    /// A sign or a code says another currency.
    Foreign,
    /// The only mark could part thousands or decimals.
    Ambiguous,
    TooManyDecimals,
    TooLarge,
}

/// Reads an amount in a currency, and gives it in minor units.
///
/// The currency's own sign and its own code may stand beside the number, before it or after it.
/// Thousands may be parted by commas, points, spaces or apostrophes, decimals by a point or a
/// comma, as long as there is only one way to read it: "85,000" is eighty-five thousand, but
/// "85.000" is refused, and so is "1500,000". A minus sign, or parentheses as in a spreadsheet, make
/// it negative.
pub fn amount(words: &str, currency: Currency) -> Result<i64> {
    minor_units(words, currency, Marks::OfPeople)
        .map_err(|trouble| refuse(words, currency, &trouble))
}

/// Reads a number as programs write it, whose only mark is a decimal point.
pub fn number(digits: &str, currency: Currency) -> Result<i64> {
    minor_units(digits, currency, Marks::OfPrograms)
        .map_err(|trouble| refuse(digits, currency, &trouble))
}

/// Whose way of writing numbers it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    OfPeople,
    OfPrograms,
}

fn minor_units(words: &str, currency: Currency, marks: Marks) -> Result<i64, Trouble> {
    let text = words.to_lowercase();
    let bare = unsigned(&text, currency).ok_or(Trouble::NotANumber)?;
    let (number, tens) = multiplied(bare.number);
    let point_is_decimal = marks == Marks::OfPrograms || tens > 0;
    let decimal = match decimal(number, tens > 0, point_is_decimal) {
        Err(Trouble::NotANumber) => return Err(Trouble::NotANumber),
        _ if bare.is_foreign => return Err(Trouble::Foreign),
        other => other?,
    };

    let places = i32::try_from(currency.exponent())
        .unwrap_or(i32::MAX)
        .saturating_add(tens)
        .saturating_sub(decimal.decimals);
    let magnitude = shifted(decimal.digits, places)?;
    let minor = i64::try_from(magnitude)
        .ok()
        .filter(|minor| *minor <= MOST)
        .ok_or(Trouble::TooLarge)?;
    Ok(if bare.negative { -minor } else { minor })
}

/// A number without what stood around it, and what that said.
struct Bare<'a> {
    number: &'a str,
    negative: bool,
    is_foreign: bool,
}

/// The text without its sign, parentheses, currency sign and currency code, each of which may
/// stand once and in any order.
fn unsigned(text: &str, currency: Currency) -> Option<Bare<'_>> {
    let (mut rest, mut sign) = (text.trim(), None);
    let (mut mark, mut code) = (None, None);
    loop {
        let parenthesised = rest
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'));
        let signed = [("-", true), ("−", true), ("+", false)];
        if let Some(inner) = parenthesised {
            rest = inner;
            once(&mut sign, true)?;
        } else if let Some((inner, negative)) = signed
            .into_iter()
            .find_map(|(mark, negative)| Some((rest.strip_prefix(mark)?, negative)))
        {
            rest = inner;
            once(&mut sign, negative)?;
        } else if let Some((inner, codes)) = SIGNS.iter().find_map(|(mark, codes)| {
            let inner = rest
                .strip_prefix(mark)
                .or_else(|| rest.strip_suffix(mark))?;
            Some((inner, codes))
        }) {
            rest = inner;
            once(&mut mark, codes.split(' ').all(|it| it != currency.code()))?;
        } else if let Some((inner, named)) = without_code(rest) {
            rest = inner;
            once(&mut code, named.code() != currency.code())?;
        } else {
            return Some(Bare {
                number: rest,
                negative: sign.unwrap_or(false),
                is_foreign: mark.unwrap_or(false) || code.unwrap_or(false),
            });
        }
        rest = rest.trim();
    }
}

/// The text without the three letters of a currency at its beginning or end, and that currency.
fn without_code(text: &str) -> Option<(&str, Iso)> {
    let named = |code: &str| Iso::from_code(&code.to_ascii_uppercase());
    let first = text.split_at_checked(3);
    let first = first.and_then(|(code, rest)| Some((rest, named(code)?)));
    first.or_else(|| {
        let (rest, code) = text.split_at_checked(text.len().checked_sub(3)?)?;
        Some((rest, named(code)?))
    })
}

/// Notes something that may be said once only; `None` the second time.
fn once<T>(said: &mut Option<T>, value: T) -> Option<()> {
    said.replace(value).is_none().then_some(())
}

/// The number before a "k" or a "million", and how many tens that multiplies it by.
fn multiplied(text: &str) -> (&str, i32) {
    let found = MULTIPLES
        .iter()
        .find_map(|(word, tens)| Some((text.strip_suffix(word)?.trim_end(), *tens)));
    found.unwrap_or((text, 0))
}

/// A number without its marks, and how many of its digits stood after the decimal mark.
struct Decimal {
    digits: i128,
    decimals: i32,
}

fn decimal(text: &str, is_multiplied: bool, point_is_decimal: bool) -> Result<Decimal, Trouble> {
    let (whole, fraction) = split(text, is_multiplied, point_is_decimal)?;
    let digits = ungrouped(whole).ok_or(Trouble::NotANumber)? + fraction;
    if digits.len() > DIGITS {
        return Err(Trouble::TooLarge);
    }
    let decimals = i32::try_from(fraction.len()).map_err(|_| Trouble::TooLarge)?;
    let digits = if is_digits(&digits) {
        digits.parse().ok()
    } else {
        None
    };
    Ok(Decimal {
        digits: digits.ok_or(Trouble::NotANumber)?,
        decimals,
    })
}

/// The part before the decimal mark and the part after it. Which of point and comma that is, the
/// number itself must show.
fn split(text: &str, is_multiplied: bool, point_is_decimal: bool) -> Result<(&str, &str), Trouble> {
    let Some((place, mark)) = text.char_indices().rfind(|(_, c)| matches!(c, '.' | ',')) else {
        return Ok((text, ""));
    };
    let (whole, fraction) = text.split_once(mark).ok_or(Trouble::NotANumber)?;
    if whole.len() != place {
        return Ok((text, "")); // A mark that comes twice parts thousands.
    }
    if fraction.is_empty() {
        return Err(Trouble::NotANumber);
    }
    // Three digits after the only mark may be thousands, and more of them a slip in either; no
    // thousand begins with a zero, and no other mark would stand before it.
    let are_digits = is_digits(whole) && is_digits(fraction);
    let is_in_doubt = are_digits && fraction.len() >= 3 && !whole.starts_with('0');
    let parts_thousands = whole.len() <= 3 && fraction.len() == 3;
    match (is_in_doubt, mark) {
        (false, _) => Ok((whole, fraction)),
        (true, '.') if point_is_decimal => Ok((whole, fraction)),
        (true, ',') if parts_thousands && !is_multiplied => Ok((text, "")),
        _ => Err(Trouble::Ambiguous),
    }
}

/// The digits of a whole number whose thousands may be parted, all by the same mark.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(mark) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return Some(whole.to_owned());
    };
    let parts_thousands = matches!(mark, ',' | '.' | '\'' | '’' | '_') || mark.is_whitespace();
    let (first, groups) = whole.split_once(mark)?;
    let well_formed = (1..=3).contains(&first.len())
        && groups.split(mark).all(|it| it.len() == 3 && is_digits(it));
    (parts_thousands && well_formed).then(|| whole.split(mark).collect())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number moved by so many decimal places; digits that fall off must be zeros.
fn shifted(digits: i128, places: i32) -> Result<i128, Trouble> {
    let factor = 10_i128
        .checked_pow(places.unsigned_abs())
        .ok_or(Trouble::TooLarge)?;
    if places >= 0 {
        digits.checked_mul(factor).ok_or(Trouble::TooLarge)
    } else if digits % factor == 0 {
        Ok(digits / factor)
    } else {
        Err(Trouble::TooManyDecimals)
    }
}

fn refuse(words: &str, currency: Currency, trouble: &Trouble) -> Refusal {
    let (said, code) = (quoted(words), currency.code());
    let message = match trouble {
        Trouble::NotANumber => format!("{said} is not understood as an amount."),
        Trouble::Foreign => format!(
            "{said} is not in {code}; amounts are in the organisation's currency, or in the deal's where it has its own."
        ),
        Trouble::Ambiguous => format!("{said} could be thousands or decimals."),
        Trouble::TooManyDecimals => format!("{said} has more decimals than the currency."),
        Trouble::TooLarge => format!("{said} is larger than any amount that is kept."),
    };
    let exact = if currency.exponent() == 0 {
        "85,000"
    } else {
        "85,000.50"
    };
    let convert = match trouble {
        Trouble::Foreign => format!("Convert it to {code} first. "),
        _ => String::new(),
    };
    Refusal::new(Code::AmountNotUnderstood, message)
        .hint(format!("{convert}Try \"85000\", \"{exact}\" or \"1.2M\"."))
}
