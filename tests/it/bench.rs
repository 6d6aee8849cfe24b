//! `wildsgd bench`.

use crate::command::Place;

#[test]
fn load_times_a_file_on_one_thread_and_on_more() {
    let place = Place::with(&[("d", "1 1:1\n-1 2:2\n-1 1:1 7:1\n1 2:1\n")]);
    let run = place.succeed(&["bench", "load", "d", "--threads", "2", "--runs", "2"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "d: 30 bytes of text, 4 examples, 5 non-zeros");
    assert_eq!(lines.len(), 5, "{run:?}");
    for (line, threads) in lines[3..].iter().zip(["1", "2"]) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells.len(), 6, "{line}");
        assert_eq!(cells[0], threads);
        assert!(cells[1..].iter().all(|cell| cell.parse::<f64>().is_ok_and(|x| x >= 0.0)), "{line}");
    }
}

#[test]
fn load_refuses_what_it_cannot_time() {
    let place = Place::with(&[("d", "1 1:1\n")]);
    place.fail(
        &["bench", "load", "d", "--runs", "0"],
        "runs is 0 (expected a number from 1 to 4096); leave it out for the default",
    );
    let run = place.run(&["bench", "load", "-"]);
    assert!(run.code == 2 && run.stderr.contains("standard input cannot be read several times"), "{run:?}");
    assert!(place.fail_somehow(&["bench", "load", "no"]).stderr.starts_with("error: no: "));
}
