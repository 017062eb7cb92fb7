"""The servers beside which httpserver is measured: how each is started, at its best, and in which cases it has a say."""
import os, shutil, subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """
worker_processes 2; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err; user root; daemon off;
events {{ worker_connections 16384; multi_accept on; }}
http {{ access_log {access}; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 1000000000;
  open_file_cache max=10000 inactive=60s; open_file_cache_valid 5s; client_max_body_size 0; client_body_temp_path {root}/.body;
  proxy_temp_path {tmp}/p; fastcgi_temp_path {tmp}/f; uwsgi_temp_path {tmp}/u; scgi_temp_path {tmp}/s;
  server {{ listen 127.0.0.1:{port}{ssl} backlog=4096; {certificate} root {root}; location / {{ dav_methods PUT; }} }} }}
"""
CERTIFICATE = "ssl_certificate {tmp}/cert.pem; ssl_certificate_key {tmp}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; " \
  "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384; ssl_session_tickets on;"
H2O = """
num-threads: 1
user: root
file.index: []
http1-request-timeout: 60
listen: {{host: 127.0.0.1, port: {port}}}
hosts: {{"default": {{paths: {{"/": {{file.dir: {root}}}}}}}}}
"""
LWAN = """
keep_alive_timeout = 60
quiet = true
threads = 1
listener 127.0.0.1:{port}
site {{
    serve_files / {{
        path = {root}
    }}
}}
"""
# What has no say in a case: the floors answer without reading a body to its end and never close; h2o and lwan take no PUT and
# are compared without a log and without TLS.
PEERS = ["nginx", "h2o", "lwan", "floor", "uring"]
# What each needs besides itself. LWAN names the binary of lwan, which no distribution has.
PROGRAMS = {"nginx": ["nginx"], "h2o": ["h2o"], "lwan": [], "floor": ["cc"], "uring": ["cc"]}
FLOORS = {"floor": ("floor.c", "-pthread"), "uring": ("floor_uring.c", "-luring")}

def has_a_say(peer, method, size, close, logged, tls):
    """Whether a peer is measured in such a case."""
    if peer == "nginx":
        return True
    if method != "GET" or tls:
        return False
    if peer in FLOORS:
        return not close and size <= 1024
    return not logged

def missing(peers):
    """What is not there of what these peers need."""
    programs = [program for peer in peers for program in PROGRAMS[peer] if not shutil.which(program)]
    lwan = os.environ.get("LWAN", "")
    return programs + (["lwan (LWAN names its binary)"] if "lwan" in peers and not os.access(lwan, os.X_OK) else [])

def build(peers, tmp):
    """Makes the floors among these peers."""
    for peer in peers:
        if peer in FLOORS:
            source, library = FLOORS[peer]
            subprocess.run(["cc", "-O2", "-o", f"{tmp}/{peer}", f"{HERE}/{source}", library], check=True)

def command(peer, tmp, root, port, size, logged, tls):
    """The command line of a peer; writes its configuration."""
    if peer == "floor":
        return [f"{tmp}/floor", str(port), str(size), "1"]
    if peer == "uring":
        return [f"{tmp}/uring", str(port), str(size)]
    conf = f"{tmp}/{peer}.conf"
    template, start = {"nginx": (NGINX, ["nginx", "-c", conf]), "h2o": (H2O, ["h2o", "-m", "worker", "-c", conf]),
                       "lwan": (LWAN, [os.environ.get("LWAN", "lwan"), "-c", conf])}[peer]
    with open(conf, "w") as out:
        out.write(template.format(tmp=tmp, root=root, port=port, access=f"{tmp}/access.log" if logged else "off",
                                  ssl=" ssl" if tls else "", certificate=CERTIFICATE.format(tmp=tmp) if tls else ""))
    return start
