//! What Trino has and Tenon has not.

/// Functions of Trino's that Tenon does not have yet. Source: Trino documentation, list of functions.
#[rustfmt::skip]
pub(super) const MISSING: &[&str] = &[
    "all_match", "any_match", "any_value", "approx_most_frequent", "approx_percentile", "arbitrary",
    "array_agg", "array_distinct", "array_except", "array_intersect", "array_join", "array_max", "array_min",
    "array_position", "array_remove", "array_sort", "array_union", "arrays_overlap", "at_timezone",
    "bit_count", "bitwise_and", "bitwise_and_agg", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_or_agg", "bitwise_right_shift", "bitwise_xor", "cardinality", "ceiling", "checksum", "chr",
    "codepoint", "combinations", "concat_ws", "contains", "crc32", "current_time", "current_timestamp",
    "current_timezone", "current_user", "day_of_week", "day_of_year", "dow",
    "doy", "element_at", "filter", "flatten", "format", "format_datetime", "format_number", "from_base",
    "from_base64", "from_base64url", "from_hex", "from_iso8601_date", "from_iso8601_timestamp",
    "from_unixtime", "from_utf8", "geometric_mean", "greatest", "grouping", "hamming_distance", "histogram",
    "hmac_sha256", "human_readable_seconds", "is_json_scalar", "json_array_contains", "json_array_get",
    "json_array_length", "json_exists", "json_extract", "json_extract_scalar", "json_format", "json_parse",
    "json_query", "json_size", "json_value", "kurtosis", "last_day_of_month", "least", "levenshtein_distance",
    "listagg", "localtime", "localtimestamp", "log", "ltrim", "map", "map_agg", "map_concat",
    "map_entries", "map_filter", "map_from_entries", "map_keys", "map_union", "map_values", "map_zip_with",
    "max_by", "md5", "millisecond", "min_by", "mod", "multimap_agg", "murmur3", "ngrams", "none_match",
    "normalize", "now", "nth_value", "numeric_histogram", "parse_datetime", "parse_duration", "rand",
    "random", "reduce", "reduce_agg", "regexp_count", "regexp_extract", "regexp_extract_all", "regexp_like",
    "regexp_position", "regexp_replace", "regexp_split", "regr_intercept", "regr_slope", "repeat",
    "rtrim", "sequence", "set_agg", "sha1", "sha256", "sha512", "shuffle", "sign", "skewness", "slice",
    "soundex", "split", "split_to_map", "timezone_hour", "timezone_minute", "to_base",
    "to_base64", "to_base64url", "to_hex", "to_iso8601", "to_unixtime", "to_utf8", "transform",
    "transform_keys", "transform_values", "translate", "truncate", "try", "typeof", "url_decode",
    "url_encode", "url_extract_fragment", "url_extract_host", "url_extract_parameter", "url_extract_path",
    "url_extract_port", "url_extract_protocol", "url_extract_query", "uuid", "version", "week",
    "week_of_year", "width_bucket", "with_timezone", "word_stem", "xxhash64", "year_of_week", "yow", "zip",
    "zip_with",
];
