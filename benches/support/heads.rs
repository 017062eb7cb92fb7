//! Request heads as clients send them.

/// An upload with curl.
pub(crate) const CURL: &str = "PUT /ABCDEFarqdeXYZxyzf012345-ab HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    User-Agent: curl/8.14.1\r\n\
    Accept: */*\r\n\
    Content-Length: 1024\r\n\r\n";

/// A browser that has the file already.
pub(crate) const BROWSER: &str = "GET /ABCDEFarqdeXYZxyzf012345-ab HTTP/1.1\r\n\
    Host: files.example.org:8080\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.8,de;q=0.5,fr;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: http://files.example.org:8080/\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=7f3c1d52a90e4b6f8c2d; theme=dark; seen=1760000000\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    If-Modified-Since: Fri, 21 Nov 2025 02:00:00 GMT\r\n\
    Priority: u=0, i\r\n\r\n";
