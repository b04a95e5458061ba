//! Words looked up among a few names, and laws that hold for any.

#![allow(clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

/// Looks words up among names, whose ids are c1, c2 …; the value is the number.
fn look(words: &str, names: &[&str]) -> Match<usize> {
    let records: Vec<_> = names
        .iter()
        .zip(1..)
        .map(|(name, n)| (n, format!("c{n}"), *name, fold(name)))
        .collect();
    find(
        words,
        records.iter().map(|(value, id, name, folded)| Record {
            value: *value,
            id,
            name,
            folded,
        }),
    )
}

const NAMES: &[&str] = &[
    "Acme Corp",
    "Globex GmbH",
    "Globex Energy",
    "Initech",
    "Umbrella Industries",
    "Umbrella Health",
    "C1",
];

fn near(near: &[usize], tied: usize) -> Match<usize> {
    Match::None {
        near: near.to_vec(),
        tied,
    }
}

#[test]
fn the_first_level_that_fits_decides() {
    for (words, expected) in [
        ("c1", Match::One(1, How::Id)),
        ("C2", Match::One(2, How::Id)),
        ("acme", Match::One(1, How::Exact)),
        ("ACME, Inc.", Match::One(1, How::Exact)),
        ("globex", Match::One(2, How::Exact)),
        ("globex energy", Match::One(3, How::Exact)),
        ("umbrella", Match::Several(vec![5, 6], How::Prefix)),
        ("umbrella i", near(&[5], 1)),
        ("Acne", Match::One(1, How::Misspelt)),
        ("initehc", Match::One(4, How::Misspelt)),
        ("umbrela industris", Match::One(5, How::Misspelt)),
        ("umbrela", near(&[6, 5], 2)),
        ("intech co", Match::One(4, How::Misspelt)),
        ("x", near(&[], 0)),
        ("", near(&[], 0)),
        ("?!", near(&[], 0)),
    ] {
        assert_eq!(look(words, NAMES), expected, "{words}");
    }
}

#[test]
fn words_from_inside_a_name_only_suggest_it() {
    for (words, names) in [
        ("industries", &["Umbrella Industries"][..]),
        ("tier", &["Premium Tier"]),
        ("bank", &["Orchard Street Bank"]),
        ("lee", &["Jordan Lee"]),
        ("bo", &["Al Bo"]),
        ("foo", &["Acme Foods", "Foodstuff"]),
    ] {
        let expected = if words == "foo" { 2 } else { 1 };
        assert_eq!(look(words, names), near(&[expected], 1), "{words}");
    }
    // Who holds the word comes before who is spelt a little like it, and keeps them from being meant.
    assert_eq!(
        look("jones", &["José García", "Sarah Jones"]),
        near(&[2, 1], 1)
    );
    assert_eq!(look("tank", &["Bank", "Street Tank"]), near(&[2, 1], 1));
    assert_eq!(
        look("acme f", &["Acme Corp", "Acme Foods"]),
        near(&[2, 1], 1)
    );
}

#[test]
fn a_misspelling_never_touches_a_digit() {
    for (words, name) in [
        ("Contract 2026", "Contract 2025"),
        ("1003", "1001"),
        ("Area 52", "Area 51"),
        ("Area 5", "Area 51"),
        ("Q3 Systems", "Q4 Systems"),
        ("phase 21", "Phase 2"),
        ("phase 1 2", "Phase 12"),
    ] {
        assert_eq!(look(words, &[name]), near(&[1], 1), "{words}");
    }
    assert_eq!(
        look("Contrcat 2026", &["Contract 2025", "Contract 2026"]),
        Match::One(2, How::Misspelt)
    );
}

#[test]
fn a_name_as_answers_write_it_leads_to_its_id() {
    let names = &["Tom Becker", "Sam Lee", "Sam Lee", "Sam Lee GmbH"];
    for (words, expected) in [
        ("Tom Becker (c1)", Match::One(1, How::Id)),
        ("tom becker (C1)", Match::One(1, How::Id)),
        ("Sam Lee (c3)", Match::One(3, How::Id)),
        ("Sam Lee (c4)", Match::One(4, How::Id)),
        ("Sam… (c2)", Match::One(2, How::Id)),
        // The id and the name beside it contradict each other: the id is what is probably meant.
        ("Tom Becker (c2)", near(&[2, 1], 1)),
        ("Tom (c1)", near(&[1], 1)),
        ("Tom Becker (c9)", near(&[1], 1)),
        ("(c1)", near(&[1], 1)),
    ] {
        assert_eq!(look(words, names), expected, "{words}");
    }
    // What a record is called comes before what another one's id would make of it.
    assert_eq!(
        look("Globex (c1)", &["Globex", "Globex c1"]),
        Match::One(2, How::Exact)
    );
}

#[test]
fn an_exact_spelling_comes_before_what_folding_makes_alike() {
    let names = &["Initech Inc", "Initech LLC", "Data", "Data Co", "!!!", "??"];
    for (words, expected) in [
        ("initech inc", Match::One(1, How::Exact)),
        ("Initech, LLC", Match::One(2, How::Exact)),
        ("Initech", Match::Several(vec![1, 2], How::Exact)),
        ("Initech GmbH", Match::Several(vec![1, 2], How::Exact)),
        ("data", Match::One(3, How::Exact)),
        ("data co.", Match::One(4, How::Exact)),
        ("data-co", Match::One(4, How::Exact)),
        ("!!!", Match::One(5, How::Exact)),
        ("??", Match::One(6, How::Exact)),
    ] {
        assert_eq!(look(words, names), expected, "{words}");
    }
    assert_eq!(
        look("acme", &["Acme Inc", "ACME", "Acme Foods"]),
        Match::One(2, How::Exact)
    );
    assert_eq!(
        look("acme", &["Acme", "ACME", "Acme Inc"]),
        Match::Several(vec![1, 2], How::Exact)
    );
}

#[test]
fn a_legal_ending_begins_no_other_name() {
    assert_eq!(look("Globex Corp", &["Globex Energy"]), near(&[1], 1));
    assert_eq!(
        look("Globex Corp", &["Globex Corp. Europe"]),
        Match::One(1, How::Prefix)
    );
}

#[test]
fn a_record_under_two_names_is_one() {
    let record = |name: &'static str, folded: &'static str| Record {
        value: 1,
        id: "c1",
        name,
        folded,
    };
    let both = [
        record("Acme: Premium Tier", "acme premium tier"),
        record("Acme Corp: Premium Tier", "acme corp premium tier"),
    ];
    let nameless = Record {
        id: "",
        ..record("", "")
    };
    assert_eq!(find("", [nameless].into_iter()), near(&[], 0));
    for (words, how) in [
        ("acme", How::Prefix),
        ("acme corp premium tier", How::Exact),
        ("acme premium teir", How::Misspelt),
        ("Acme Corp: Premium Tier (c1)", How::Id),
    ] {
        assert_eq!(find(words, both.into_iter()), Match::One(1, how), "{words}");
    }
}

#[test]
fn what_is_written_alike_but_for_accents_is_found_unless_one_is_written_the_same() {
    let find = |words: &str, list: &[&'static str]| -> Vec<&'static str> {
        written(words, list.iter().map(|text| (*text, *text)))
    };
    assert_eq!(find("Region", &["region", "Région"]), ["region"]);
    assert_eq!(find("RÉGION", &["region", "Région"]), ["Région"]);
    assert_eq!(find("regiòn", &["region", "Région"]), ["region", "Région"]);
    assert_eq!(find("account_tier", &["Account Tier"]), ["Account Tier"]);
    assert_eq!(find("?", &["!", "?"]), ["?"]);
    assert_eq!(find("area", &["region"]), [""; 0]);
}

#[test]
fn a_misspelling_of_the_first_words_is_one_too() {
    assert_eq!(
        look("inittech", &["Initech Software Group"]),
        Match::One(1, How::Misspelt)
    );
    assert_eq!(
        look("acme food", &["Acme Corp", "Acme Foods"]),
        Match::One(2, How::Misspelt)
    );
    assert_eq!(look("sara", &["Sarah Chen"]), Match::One(1, How::Misspelt));
    assert_eq!(
        look("acme food", &["Acme Foods", "Acme Foodstuff"]),
        near(&[2, 1], 1)
    );
    assert_eq!(
        look("Fabrkiam", &["Contoso", "Fabrikam"]),
        Match::One(2, How::Misspelt)
    );
}

#[test]
fn up_to_seven_letters_one_change_is_allowed_and_above_two() {
    assert_eq!(look("initxxh", &["Initech"]), near(&[1], 1));
    assert_eq!(
        look("umbrxxla", &["Umbrella"]),
        Match::One(1, How::Misspelt)
    );
    assert_eq!(look("umbxxxla", &["Umbrella"]), near(&[1], 1));
}

#[test]
fn two_records_of_one_name_are_several() {
    assert_eq!(
        look("acme", &["Acme Inc", "Acme Ltd", "Acme Foods"]),
        Match::Several(vec![1, 2], How::Exact)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cheap_cut_never_hides_a_near_name(one in "[a-cйがx ]{0,9}", other in "[a-cйがx ]{0,9}", reach in 0..4usize) {
        let exact = strsim::osa_distance(&one, &other);
        let distance = Spelling::of(&one).distance(&other, reach);
        prop_assert_eq!(distance.min(reach + 1), exact.min(reach + 1));
    }

    #[test]
    fn no_words_make_it_panic(asked in any::<String>(), names in proptest::collection::vec(any::<String>(), 0..9)) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let _ = look(&asked, &names);
        let _ = written(&asked, names.iter().map(|name| (0, *name)));
    }
}
