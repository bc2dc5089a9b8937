//! Formats of dates: Spark's own, or Python's codes.

/// A pattern of Spark's. Errors: a code of Python's that Spark has no letters for.
pub(super) fn of_spark(format: &str) -> Result<String, String> {
    // What is wrong with a pattern of Spark's is found by who reads it; a percent sign makes it a format of Python's.
    if !format.contains('%') {
        return Ok(format.to_owned());
    }
    let mut out = String::new();
    let mut plain = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            plain.push(letter);
            continue;
        }
        let code = letters.next().ok_or("% stands at the end")?;
        if code == '%' {
            plain.push('%');
            continue;
        }
        quote(&mut out, &mut plain)?;
        out.push_str(match code {
            'Y' => "yyyy",
            'm' => "MM",
            'B' => "MMMM",
            'b' => "MMM",
            'd' => "dd",
            'j' => "DDD",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "a",
            'a' => "E",
            'A' => "EEEE",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            other => {
                return Err(format!(
                    "%{other} is not one of %Y, %m, %B, %b, %d, %j, %H, %I, %M, %S, %p, %a, %A, %F, %T"
                ));
            }
        });
    }
    quote(&mut out, &mut plain)?;
    Ok(out)
}

/// Puts letters that stand for themselves behind the pattern, in quotes where they would mean something.
fn quote(out: &mut String, plain: &mut String) -> Result<(), String> {
    if plain.contains('\'') {
        return Err("a quote beside codes of Python's is not supported".to_owned());
    }
    match plain.chars().any(|letter| letter.is_ascii_alphabetic() || "[]{}#".contains(letter)) {
        true => out.push_str(&format!("'{plain}'")),
        false => out.push_str(plain),
    }
    plain.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_python_are_patterns_of_spark() {
        let of = |format: &str| of_spark(format).expect("a pattern");
        assert_eq!(of("yyyy-MM-dd'T'HH"), "yyyy-MM-dd'T'HH");
        assert_eq!(of("%Y-%m-%dT%H:%M:%S"), "yyyy-MM-dd'T'HH:mm:ss");
        assert_eq!(of("%d/%m/%Y at 100%%"), "dd/MM/yyyy' at 100%'");
        for bad in ["%Q", "%Y%", "%Y'"] {
            assert!(of_spark(bad).is_err(), "{bad}");
        }
    }
}
