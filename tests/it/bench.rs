//! `wildsgd bench`.

use crate::command::Place;

#[test]
fn load_times_a_file_on_one_thread_and_on_more() {
    let place = Place::with(&[("d", "1 1:1\n-1 2:2\n-1 1:1 7:1\n1 2:1\n")]);
    place.succeed(&["convert", "d", "c"]);
    let formats = ["text", "gzip", "bzip2", "zstd", "cache"];
    for (args, formats) in
        [(&["d", "--compressed"][..], &formats[..]), (&["d"], &["text", "cache"]), (&["c"], &["cache"])]
    {
        let run = place.succeed(&[&["bench", "load", "--threads", "2", "--runs", "2"], args].concat());
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[0], format!("{}: 4 examples, 5 non-zeros", args[0]));
        assert_eq!(lines.len(), 4 + 2 * formats.len(), "{run:?}");
        let expected = formats.iter().flat_map(|format| [(format, "1"), (format, "2")]);
        for (line, (format, threads)) in lines[3..].iter().zip(expected) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells.len(), cells[0], cells[2]), (8, *format, threads), "{line}");
            assert!(*format == "cache" || cells[1] == "30", "{line}");
            assert!(cells[1..].iter().all(|cell| cell.parse::<f64>().is_ok_and(|x| x >= 0.0)), "{line}");
        }
        assert!(lines[lines.len() - 1].starts_with("the cache opens in "), "{run:?}");
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
