//! Amounts of money as people write them: "$85,000.50", "85k", "1.2 million", "(1,234.50)". Exact
//! to the minor unit, without a float. Which currency it is in, and whether a negative amount makes
//! sense, the caller knows; words that name another currency are refused, never converted.

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
/// "85.000" is refused. A minus sign, or parentheses as in a spreadsheet, make it negative.
pub fn amount(words: &str, currency: Currency) -> Result<i64> {
    minor_units(words, currency).map_err(|trouble| refuse(words, currency, &trouble))
}

fn minor_units(words: &str, currency: Currency) -> Result<i64, Trouble> {
    let text = words.to_lowercase();
    let bare = unsigned(&text, currency).ok_or(Trouble::NotANumber)?;
    let (number, tens) = multiplied(bare.number);
    let decimal = match decimal(number, tens > 0) {
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

fn decimal(text: &str, is_multiplied: bool) -> Result<Decimal, Trouble> {
    let (whole, fraction) = split(text, is_multiplied)?;
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
fn split(text: &str, is_multiplied: bool) -> Result<(&str, &str), Trouble> {
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
    let may_part_thousands = is_digits(whole)
        && (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
        && fraction.len() == 3;
    match (may_part_thousands, mark, is_multiplied) {
        (false, ..) | (true, '.', true) => Ok((whole, fraction)),
        (true, ',', false) => Ok((text, "")),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn amounts_are_read_exactly() {
        let (usd, yen) = (currency("USD"), currency("JPY"));
        for (words, cents) in [
            ("85000", 8_500_000),
            ("85,000", 8_500_000),
            ("$85,000.50", 8_500_050),
            (" $ 85000 ", 8_500_000),
            ("85k", 8_500_000),
            ("$85 K", 8_500_000),
            ("1.2M", 120_000_000),
            ("1,2M", 120_000_000),
            ("$1.2 million", 120_000_000),
            ("1.234M", 123_400_000),
            ("1bn", 100_000_000_000),
            ("$85.000,50", 8_500_050),
            ("85.000,50 $", 8_500_050),
            ("1.234.567", 123_456_700),
            ("1,234,567.8", 123_456_780),
            ("85 000,50", 8_500_050),
            ("85\u{202f}000", 8_500_000),
            ("85'000.50", 8_500_050),
            ("85_000", 8_500_000),
            ("85,5", 8_550),
            (".5", 50),
            ("0", 0),
            ("-0.00", 0),
            ("100.000000", 10_000),
            ("1000.000", 100_000),
            ("0.12k", 12_000),
            ("(1,234.50)", -123_450),
            ("($1,234.50)", -123_450),
            ("$(1,234.50)", -123_450),
            ("-$5", -500),
            ("$-5", -500),
            ("−5", -500),
            ("+5", 500),
            ("10,000,000,000", MOST),
        ] {
            assert_eq!(amount(words, usd), Ok(cents), "{words}");
        }
        assert_eq!(amount("¥85,000", yen), Ok(85_000));
        assert_eq!(amount("85.00", yen), Ok(85));
        assert_eq!(amount("1.2k", yen), Ok(1_200));
    }

    #[test]
    fn its_own_sign_and_code_may_stand_beside_an_amount() {
        for (code, said) in [
            ("USD", "$85k | 85k$ | US$85k | 85k USD | usd 85,000"),
            ("USD", "USD85000 | 85kusd | USD $85,000 | (USD 85k)"),
            ("CAD", "$85k | CA$85k | C$85k | 85k cad"),
            ("AUD", "$85k | A$85k"),
            ("EUR", "€85.000,00 | 85k € | EUR 85,000 | 85 thousand euR"),
            ("GBP", "£85k"),
            ("CNY", "¥85k"),
            ("CHF", "CHF 85'000"),
            ("SEK", "85 000 kr"),
        ] {
            for words in said.split(" | ") {
                let read = amount(words, currency(code)).map(i64::abs);
                assert_eq!(read, Ok(8_500_000), "{words} in {code}");
            }
        }
        assert_eq!(amount("JPY 85k", currency("JPY")), Ok(85_000));
    }

    #[test]
    fn another_currency_is_refused_whatever_the_number() {
        for (code, said) in [
            ("USD", "€85k | 85k € | 85 EUR | EUR 85,000 | -£5 | ¥85,000"),
            ("USD", "€85.000 | ₹85 | C$5 | 85 KWD | $5 EUR | $5 CAD"),
            ("EUR", "$85k | 85k USD"),
            ("CAD", "US$85k | 85k USD"),
            ("JPY", "£85"),
            ("AED", "$85"),
        ] {
            for words in said.split(" | ") {
                let refusal = amount(words, currency(code)).unwrap_err();
                assert_eq!(refusal.code, Code::AmountNotUnderstood);
                let says = format!("is not in {code}; amounts are in the organisation's currency");
                assert!(refusal.message.contains(&says), "{words}: {refusal}");
                assert!(refusal.hint.contains("Convert it"), "{words}: {refusal}");
            }
        }
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for (words, says) in [
            ("", "is not understood"),
            ("$", "is not understood"),
            ("k", "is not understood"),
            ("banana", "is not understood"),
            ("NaN", "is not understood"),
            ("inf", "is not understood"),
            ("1e5", "is not understood"),
            ("0x10", "is not understood"),
            ("５", "is not understood"),
            ("5.", "is not understood"),
            ("1,23,456", "is not understood"),
            ("1,234 567", "is not understood"),
            ("1.2.3", "is not understood"),
            ("12,34.5", "is not understood"),
            ("--5", "is not understood"),
            ("-(5)", "is not understood"),
            ("$5 $", "is not understood"),
            ("$5 €", "is not understood"),
            ("USD 5 USD", "is not understood"),
            ("USD", "is not understood"),
            ("€", "is not understood"),
            ("€lots", "is not understood"),
            ("connoisseur", "is not understood"),
            ("85 pct", "is not understood"),
            ("40%", "is not understood"),
            ("85.000", "could be thousands or decimals"),
            ("1,250M", "could be thousands or decimals"),
            ("0.125", "has more decimals"),
            ("1,234.567", "has more decimals"),
            ("10,000,000,000.01", "is larger"),
            ("99999999999999999999999999999999999999999", "is larger"),
        ] {
            let refusal = amount(words, currency("USD")).unwrap_err();
            assert_eq!(refusal.code, Code::AmountNotUnderstood);
            assert!(refusal.message.contains(says), "{words}: {refusal}");
        }
        assert!(amount("85.50", currency("JPY")).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_words_make_it_panic(words in any::<String>(), amount_like in "[-+(]?(USD|C)?[$€]?[0-9., ']{0,40}[kmb)]?(eur|kr)?") {
            for code in ["USD", "EUR", "JPY"] {
                let _ = amount(&words, currency(code));
                let _ = amount(&amount_like, currency(code));
            }
        }

        #[test]
        fn every_amount_reads_back(minor in -MOST..=MOST) {
            let (whole, cents) = (minor.abs() / 100, minor.abs() % 100);
            let sign = if minor < 0 { "-" } else { "" };
            prop_assert_eq!(amount(&format!("{sign}{whole}.{cents:02}"), currency("USD")), Ok(minor));
            prop_assert_eq!(amount(&minor.to_string(), currency("JPY")), Ok(minor));
            for code in ["USD", "EUR", "JPY"] {
                prop_assert_eq!(amount(&currency(code).show(minor), currency(code)), Ok(minor));
            }
        }
    }
}
