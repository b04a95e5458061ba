//! Rejected rows written out, mended and read again.

use super::*;

#[test]
fn what_was_left_out_can_be_mended_and_read_again() {
    let sources = [
        Source {
            name: "opportunities.csv".to_owned(),
            bytes: b"id,type,stage,estimated_value,probability,name\na,upsell,proposal,1,60,\nb,upsell,propsal,2,1,\"two\nlines\"\n".to_vec(),
        },
        Source {
            name: "stage_history.csv".to_owned(),
            bytes: b"opportunity_id,from_stage,to_stage,at\nb,,identified,soon\n".to_vec(),
        },
    ];
    let stated = read(&sources, &Settings::default());
    let rejected = write_rejected(&sources, &stated.rejections);
    let mended = String::from_utf8(rejected)
        .unwrap()
        .replace("propsal", "proposal")
        .replace("soon", "2026-01-05");
    let again = from_text("rejected-2.csv", mended.into_bytes());
    assert_eq!(rejections(&again), []);
    assert_eq!((again.deals.len(), again.moves.len()), (1, 1));
    // A hundredth, though the column that said so is gone.
    assert_eq!(again.deals[0].probability, Said::Is(100));
    assert_eq!(again.deals[0].attributes, []);
    // Reasons name the lines of the mended file.
    assert_eq!(
        (again.deals[0].place.line, again.moves[0].place.line),
        (2, 4)
    );
}

#[test]
fn rejected_rows_are_written_as_they_stood() {
    let files = [
        source("customers.csv", "id,name,arr\nC-1,Acme,-5\n"),
        source(
            "opportunities.csv",
            "id;type;stage;estimated_value\na;upsell;proposal;1;surplus\nb;upsell;proposal;1\n",
        ),
    ];
    let stated = read(&files, &Settings::default());
    let text = String::from_utf8(write_rejected(&files, &stated.rejections)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "rejected_file,rejected_line,rejected_column,rejected_reason,id,name,arr,type,stage,estimated_value"
    );
    assert_eq!(
        lines[1],
        "customers.csv,2,arr,\"\"\"-5\"\" is negative\",C-1,Acme,-5,,,"
    );
    assert_eq!(
        lines[2],
        "opportunities.csv,2,,too many columns: 5 where the header has 4,a,,,upsell,proposal,1,surplus"
    );
    assert_eq!(lines.len(), 3);
}
