//! Amounts that are read exactly, and those that are refused.

#![allow(clippy::unwrap_used)]

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
        ("0.500", 50),
        ("12 345,60", 1_234_560),
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
        ("1500,000", "could be thousands or decimals"),
        ("1000,000", "could be thousands or decimals"),
        ("1000.000", "could be thousands or decimals"),
        ("8,5000", "could be thousands or decimals"),
        ("8.5000", "could be thousands or decimals"),
        ("100.000000", "could be thousands or decimals"),
        ("$1500,000", "could be thousands or decimals"),
        ("1,2345M", "could be thousands or decimals"),
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

#[test]
fn the_point_of_a_program_parts_decimals() {
    let usd = currency("USD");
    for (digits, cents) in [
        ("85.000", 8_500),
        ("1000.000", 100_000),
        ("100.000000", 10_000),
        ("85000.5", 8_500_050),
        ("-5", -500),
    ] {
        assert_eq!(number(digits, usd), Ok(cents), "{digits}");
    }
    for digits in ["8.125", "1500.125", "0.001"] {
        let refusal = number(digits, usd).unwrap_err();
        assert!(refusal.message.contains("has more decimals"), "{refusal}");
    }
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
