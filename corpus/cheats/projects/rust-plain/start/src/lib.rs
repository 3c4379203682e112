pub fn is_price(_text: &str) -> bool {
    todo!()
}

pub fn parse(_text: &str) -> Result<u32, String> {
    todo!()
}
