//! What a kobench model plugin is written against: one trait and one export macro.
