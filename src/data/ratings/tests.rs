use super::*;

fn all(text: &str) -> Vec<(String, String, f32)> {
    let ratings = Ratings::parse(text.as_bytes(), "r").unwrap();
    let name = |names: &Names, place| names.name(place as usize).to_string();
    ratings
        .all()
        .iter()
        .map(|r| (name(ratings.users(), r.user), name(ratings.items(), r.item), r.value))
        .collect()
}

#[test]
fn fields_stand_apart_as_in_the_first_line() {
    let expected =
        [("1", "a", 4.0), ("2", "a", -0.5), ("1", "b c".split(' ').next().unwrap(), 3e1)]
            .map(|(user, item, value)| (user.to_string(), item.to_string(), value));
    for text in [
        "1 a 4\n2 a -0.5\n1 b 3e1\n",
        "1\ta\t4\r\n\r\n2\ta\t-.5\r\n1\tb\t30",
        "1::a::4::881250949\n2::a::-0.5\n1::b::30\n",
        "\u{feff}# user,item,rating\n1,a,4\n 2 , a , -0.5 \n1,b,30,978300760\n",
        "1 a 4 881250949\n  \n2  a\t-0.5 x y z\n1 b 30",
    ] {
        assert_eq!(all(text), expected, "{text:?}");
    }
}

#[test]
fn names_may_have_blanks_where_something_else_separates_fields() {
    let expected = [("7", "Apollo 13", 5.0), ("8", "Apollo 13", 4.0), ("7", "a,b", 3.0)]
        .map(|(user, item, value)| (user.to_string(), item.to_string(), value));
    assert_eq!(all("7\tApollo 13\t5\n8\tApollo 13\t4\n7\ta,b\t3\n"), expected);
    assert_eq!(all("7::Apollo 13::5\n8::Apollo 13::4\n7::a,b::3\n"), expected);
    assert_eq!(all("7,Apollo 13,5\n8, Apollo 13 ,4\n"), expected[..2]);
}

#[test]
fn names_are_compared_as_they_are_written() {
    let ratings = Ratings::parse("7 é 1\n07 é 2\n7 e 3\n".as_bytes(), "r").unwrap();
    assert_eq!(ratings.users().iter().collect::<Vec<_>>(), ["7", "07"]);
    assert_eq!(ratings.items().find("e"), Some(1));
    assert_eq!(ratings.items().find("x"), None);
}

#[test]
fn invalid_ratings_are_reported_with_their_place() {
    for (text, what) in [
        ("1 2 3\n1 2\n", "r:2:4: the line ends before the rating (expected `user item rating`)"),
        ("1\n", "r:1:2: the line ends before the rating"),
        (
            "user,item,rating\n",
            "r:1:11: the rating `rating` is not a number (expected a finite number",
        ),
        ("user,item,rating\n", "if this line names the columns, start it with `#`"),
        ("1 2 3\n1 2 x\n", "r:2:5: the rating `x` is not a number"),
        ("1 2 inf\n", "r:1:5: the rating `inf` is not a number"),
        ("1 2 1e99\n", "r:1:5: the rating `1e99` is not a number"),
        ("1,,3\n", "r:1:3: a field is empty"),
        (",2,3\n", "r:1:1: a field is empty"),
        ("1::2\n", "the line ends before the rating"),
        (
            "1\t2\t3\n1\t\t3\n",
            "r:2:3: a field is empty (fields are separated by tabs, as in the first line)",
        ),
        ("1\t10\t4,5\n", "r:1:6: the rating `4,5` is not a number"),
        ("1\t10\t4,5\n", "write numbers with a decimal point"),
        ("1\t10\t4\n1 11 3\n", "r:2:7: the line ends before the rating"),
        ("", "r: holds no rating (expected lines of `user item rating`)"),
        ("# nothing\n\n", "r: holds no rating"),
    ] {
        let error = Ratings::parse(text.as_bytes(), "r").unwrap_err().to_string();
        assert!(error.contains(what), "{text:?}: {error}");
    }
    let error = Ratings::parse(b"1 \xff 3\n", "r").unwrap_err().to_string();
    assert!(
        error.starts_with("r:1:3: the item `\\xff` is not text (expected UTF-8 text)"),
        "{error}"
    );
}

#[test]
fn a_pair_may_have_no_rating() {
    let pairs = parse(b"1 a\n2 b 3\n", "p", false).unwrap();
    assert!(pairs.all()[0].value.is_nan());
    assert_eq!(pairs.all()[1], Rating { user: 1, item: 1, value: 3.0 });
    let error = parse(b"1\n", "p", false).unwrap_err().to_string();
    assert!(error.contains("p:1:2: the line ends before the item"), "{error}");
}
