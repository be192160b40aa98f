//! Tokens of the corners where reading wrongly would route wrongly.

use super::*;

fn lex(text: &str) -> Vec<(TokenKind, &str)> {
    lex_mode(text, LexMode::default())
}

fn lex_mode(text: &str, mode: LexMode) -> Vec<(TokenKind, &str)> {
    let l = Lexed::new(text.as_bytes(), mode, Flavor::default()).unwrap();
    l.tokens
        .iter()
        .map(|t| (t.kind, &text[t.range()]))
        .collect()
}

fn key(text: &str) -> Vec<u8> {
    Lexed::new(text.as_bytes(), LexMode::default(), Flavor::default())
        .unwrap()
        .key
}

#[test]
fn strings_escapes_and_names() {
    use TokenKind::*;
    assert_eq!(
        lex(r"'it''s' 'a\'b' `x``y`")
            .iter()
            .map(|t| t.0)
            .collect::<Vec<_>>(),
        [Str, Str, QuotedName]
    );
    let raw = LexMode {
        no_backslash_escapes: true,
        ..Default::default()
    };
    assert_eq!(lex_mode(r"'a\' 'b'", raw).len(), 2);
    let ansi = LexMode {
        ansi_quotes: true,
        ..Default::default()
    };
    assert_eq!(lex_mode(r#""a""#, ansi)[0].0, QuotedName);
    assert_eq!(lex(r#""a""#)[0].0, Str);
    assert_eq!(
        lex("x'ff' b'01' n'x' 0xff 0b01"),
        [
            (Hex, "x'ff'"),
            (Bit, "b'01'"),
            (Str, "n'x'"),
            (Hex, "0xff"),
            (Bit, "0b01")
        ]
    );
}

#[test]
fn numbers_and_names_that_begin_with_digits() {
    use TokenKind::*;
    assert_eq!(
        lex("1 1.5 .5 1e5 1.e-5 1a 0xzz t.5 1.")
            .iter()
            .map(|t| t.0)
            .collect::<Vec<_>>(),
        [
            Int,
            Decimal,
            Decimal,
            Float,
            Float,
            Word,
            Word,
            Word,
            Op(super::Op::Dot),
            Word,
            Decimal
        ]
    );
}

#[test]
fn comments_are_dropped_or_run() {
    assert_eq!(lex("a -- b\n c # d\n e /* f */ g --h").len(), 7);
    assert_eq!(
        lex("/*!40101 SET */ x /*!80000 no */ /*M!100100 yes */ /*!99999 no*/").len(),
        3
    );
    assert_eq!(lex("1 --1").len(), 4);
    assert_eq!(lex("/*+ hint */ x")[0].0, TokenKind::Hint);
    assert_eq!(lex("/*!99999 /* in */ no */ x").len(), 1);
    for bad in ["'a", "`a", "/* a", "/*!40000 a"] {
        assert!(Lexed::new(bad.as_bytes(), LexMode::default(), Flavor::default()).is_err());
    }
}

#[test]
fn variables_and_operators() {
    use TokenKind::*;
    assert_eq!(
        lex("@a @`b c` @@session.x @'q'")
            .iter()
            .map(|t| t.0)
            .collect::<Vec<_>>(),
        [UserVar, UserVar, SysVar, UserVar]
    );
    let ops: Vec<_> = lex("a<=>b||c:=d->>e!=f").into_iter().map(|t| t.0).collect();
    assert!(ops.contains(&Op(super::Op::NullSafeEq)) && ops.contains(&Op(super::Op::LongArrow)));
    assert!(ops.contains(&Op(super::Op::OrOr)) && ops.contains(&Op(super::Op::Assign)));
}

#[test]
fn keys_ignore_values_and_spaces_only() {
    assert_eq!(
        key("select a from t where id=5"),
        key("select a\nfrom t where  id = 77")
    );
    assert_ne!(
        key("select a from t where id=5"),
        key("select a from t where id='5'")
    );
    assert_ne!(key("select ab from t"), key("select a b from t"));
    assert_ne!(key("select `a` from t"), key("select `b` from t"));
    assert_ne!(key("select a.b"), key("select a,b"));
}

#[test]
fn a_version_comment_that_only_some_servers_run_is_refused() {
    let of = Flavor::from_version;
    let both = of("10.11.4-MariaDB").and(of("11.4.2-MariaDB"));
    let read = |text: &str| Lexed::new(text.as_bytes(), LexMode::default(), both);
    assert_eq!(
        read("a /*M!100100 b */ /*!110500 c */")
            .unwrap()
            .tokens
            .len(),
        2
    );
    let refused = read("a /*M!110100 b */").unwrap_err();
    assert!(matches!(refused, LexError::VersionsDiffer(2)), "{refused}");
}
