//! Damaged models, and files that cannot be written.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::command::{Place, SMALL, exists};

const FULL: &str = "/dev/full";
const NO_SPACE: &str = "cannot write: No space left on device (os error 28) (expected free space on the disk); free \
                        some, or name a file on another disk";

fn place() -> Place {
    let place = Place::with(&[("d", SMALL)]);
    place.succeed(&["train", "d", "--model", "m", "--quiet"]);
    place
}

#[test]
fn damaged_models() {
    let place = place();
    let model = place.text("m");
    let (damaged, cut_off) = ("the file may be damaged", "the file was cut off");
    let (start, number) = ("a model as text, from the line `solver_type`", "a finite number");
    let header = "solver_type, nr_class, label, nr_feature, bias or w";
    let (count, end) =
        ("a whole number of features from 0 to 4294967296", "the file's end after 4 weights");
    let cases = [
        ("", "1:1: the file is empty", start, "saving may have failed"),
        (SMALL, "1:1: `1` is the start of an example", header, "this looks like a data file"),
        ("\0\0\0\0", "1:1: the file is binary", start, "check that this is the model's file"),
        (
            &model.replace("L2R_LR", "L9"),
            "1:13: the solver `L9`",
            "a solver for two classes or ",
            damaged,
        ),
        (&model.replace("nr_feature 3", "nr_feature x"), "4:12: `x`", count, damaged),
        (
            &model.replace("bias 1", "bias nan"),
            "5:6: `nan`",
            number,
            "train with a smaller step size",
        ),
        (
            &model[..model.find("w\n").unwrap() + 2],
            "7:1: the file ends here",
            "weight 1 of 4",
            cut_off,
        ),
        (&format!("{model}1\n"), "11:1: `1`", end, "the header's counts do not fit the weights"),
    ];
    for (text, what, expected, hint) in cases {
        place.write("bad", text);
        for args in
            [["predict", "bad", "d", "--output", "o"], ["evaluate", "bad", "d", "--report", "r"]]
        {
            let message = place.fail_somehow(&args).stderr;
            assert!(
                message.starts_with(&format!("error: bad:{what} (expected {expected}")),
                "{message}"
            );
            assert!(message.contains(&format!("); {hint}")), "{message}");
        }
    }
}

#[test]
fn missing_models() {
    let place = place();
    std::fs::create_dir(place.path("dir")).unwrap();
    let missing = "none: cannot open: No such file or directory (os error 2) (expected an existing file); check the \
                   name and the folder it is relative to";
    let directory =
        "dir: cannot read: Is a directory (os error 21) (expected a file); name one file in it";
    for command in ["predict", "evaluate"] {
        place.fail(&[command, "none", "d"], missing);
        place.fail(&[command, "dir", "d"], directory);
    }
}

#[test]
fn a_full_disk() {
    let place = place();
    let message = format!("error: {FULL}: {NO_SPACE}\n");
    for args in [
        &["train", "d", "--quiet", "--model", FULL][..],
        &["train", "d", "--quiet", "--report", FULL],
        &["predict", "m", "d", "--output", FULL],
    ] {
        place.fail(args, message.trim_start_matches("error: ").trim_end());
    }
    let run = place.run(&["evaluate", "m", "d", "--report", FULL]);
    assert_eq!((run.code, run.stderr), (1, message));
    for args in [&["predict", "m", "d"], &["evaluate", "m", "d"]] {
        let output = place.command(args).stdout(File::create(FULL).unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("error: <stdout>: {NO_SPACE}\n")
        );
    }
}

/// The data are missing too, so the message shows which problem is found first.
#[test]
fn unwritable_outputs_are_found_before_training() {
    let place = place();
    std::fs::create_dir(place.path("dir")).unwrap();
    let directory = "dir: is a directory (expected a file to write); name a file in it";
    let missing = "no/x: there is no directory no (expected a file in an existing directory); create the directory first";
    for (target, message) in [("dir", directory), ("no/x", missing)] {
        for flag in ["--model", "--report", "--params"] {
            place.fail(&["train", "none", flag, target], message);
        }
        place.fail(&["predict", "m", "none", "--output", target], message);
        place.fail(&["evaluate", "m", "none", "--report", target], message);
    }
}

#[test]
fn a_file_has_one_role() {
    let place = place();
    place.write("t", SMALL);
    let role = |roles: &str, path: &str| {
        format!(
            "{path}: is both {roles} (expected a file of its own for each output); name another file"
        )
    };
    place.fail(&["train", "d", "--model", "./d"], &role("the data and `--model`", "./d"));
    place.fail(
        &["train", "d", "--test", "t", "--report", "t"],
        &role("`--test` and `--report`", "t"),
    );
    place.fail(
        &["train", "d", "--model", "x", "--report", "x"],
        &role("`--model` and `--report`", "x"),
    );
    place.fail(&["predict", "m", "d", "--output", "m"], &role("the model and `--output`", "m"));
    place.succeed(&["train", "d", "--quiet", "--model", "/dev/null", "--report", "/dev/null"]);
}

#[test]
fn outputs_that_are_one_file_through_links_are_refused() {
    let place = Place::with(&[("d", SMALL)]);
    symlink("nowhere", place.path("a")).unwrap();
    symlink("a", place.path("b")).unwrap();
    let expected = "(expected a file of its own for each output); name another file";
    for (model, report, named) in
        [("a", "nowhere", "nowhere"), ("b", "a", "a"), ("nowhere", "./b", "./b")]
    {
        let message = format!("{named}: is both `--model` and `--report` {expected}");
        place.fail(&["train", "d", "--model", model, "--report", report], &message);
    }
    place.succeed(&["train", "d", "--model", "a", "--report", "r"]);
    assert!(place.path("nowhere").is_file() && place.path("a").is_symlink());
}

#[test]
fn copies_of_data_have_no_more_rights_than_the_data() {
    let place = Place::with(&[("d", SMALL)]);
    let set = |name: &str, mode| {
        fs::set_permissions(place.path(name), Permissions::from_mode(mode)).unwrap();
    };
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    set("d", 0o600);
    place.succeed(&["train", "d", "--cache", "--model", "m"]);
    place.succeed(&["convert", "d", "c"]);
    place.succeed(&["convert", "d", "limited", "--memory-limit", "1M"]);
    place.succeed(&["convert", "c", "text", "--to", "libsvm"]);
    for name in ["d.wsgd", "c", "limited", "text"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // A model that only its owner may read stays so when it is replaced.
    set("m", 0o600);
    place.succeed(&["train", "d", "--model", "m"]);
    assert_eq!(mode("m"), 0o600);
}

#[test]
fn a_file_of_weights_of_another_size_stays() {
    let place = place();
    place.write("p", "something else");
    let run = place.fail_somehow(&["train", "d", "--params", "p", "--model", "n", "--quiet"]);
    let start =
        "error: p: the file holds 14 bytes (expected no file, an empty one, or one of 16 bytes";
    assert!(run.stderr.starts_with(start), "{run:?}");
    assert!(!exists(&place.path("n")));
}

#[test]
fn standard_output_is_written_where_it_stands() {
    let place = Place::with(&[("d", "1 1:1\n-1 2:1\n")]);
    place.succeed(&["train", "d", "--model", "m", "--quiet"]);
    let script = format!(
        "(echo before; {} predict m d --output /dev/stdout --quiet; echo after) > out",
        crate::command::COMMAND
    );
    let mut shell = std::process::Command::new("sh");
    assert!(shell.args(["-c", &script]).current_dir(place.path("")).status().unwrap().success());
    assert_eq!(place.text("out"), "before\n1\n-1\nafter\n");
}

#[test]
fn a_file_that_would_be_too_large_is_an_error() {
    let place = Place::with(&[("d", &crate::command::generated(20_000))]);
    let script = format!("ulimit -f 1; {} convert d c", crate::command::COMMAND);
    let mut shell = std::process::Command::new("sh");
    let run = shell.args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    let message = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.code() == Some(1) && message.contains("too large"), "{message}");
    assert_eq!(place.contents().len(), 1, "nothing is left behind");
}

#[test]
fn names_cannot_send_sequences_to_the_terminal() {
    let place = Place::new();
    let run = place.run(&["train", "no\x1b[31mfile"]);
    assert!(run.code == 1 && run.stderr.contains("no\\u{1b}[31mfile"), "{}", run.stderr);
}
