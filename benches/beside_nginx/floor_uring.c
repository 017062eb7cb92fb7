/* The physical limit with io_uring(7): one thread, multishot accept and receive with provided buffers; each receive is
 * answered by one send of a fixed response, nothing parsed, nothing opened. Listens on 127.0.0.1.
 * usage: floor_uring PORT BODY_BYTES
 * cc -O2 -o floor_uring floor_uring.c -luring */
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4096, COMPLETIONS = 8192, BUFFERS = 1024, BUFFER_BYTES = 2048, GROUP = 0 };
enum kind { ACCEPTED = 1, RECEIVED, SENT, CLOSED };

static struct io_uring ring;

/* The next submission for this socket; what is queued is submitted if the queue is full. */
static struct io_uring_sqe *submission(enum kind kind, int socket) {
    struct io_uring_sqe *entry;
    while (!(entry = io_uring_get_sqe(&ring))) io_uring_submit(&ring);
    memset(entry, 0, sizeof *entry);
    io_uring_sqe_set_data64(entry, (uint64_t)kind << 32 | (uint32_t)socket);
    return entry;
}

static void receive(int socket) {
    struct io_uring_sqe *entry = submission(RECEIVED, socket);
    uint64_t data = entry->user_data;
    io_uring_prep_recv_multishot(entry, socket, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    entry->user_data = data;
}

static void finish(int socket) {
    struct io_uring_sqe *entry = submission(CLOSED, socket);
    uint64_t data = entry->user_data;
    io_uring_prep_close(entry, socket);
    entry->user_data = data;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: floor_uring PORT BODY_BYTES\n"); return 1; }
    size_t body = strtoul(argv[2], 0, 10);
    char *response = malloc(body + 128);
    size_t length = sprintf(response, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body);
    memset(response + length, 'x', body);
    length += body;

    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) { perror("floor_uring"); return 1; }

    struct io_uring_params options = {.cq_entries = COMPLETIONS,
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE};
    struct io_uring_buf_ring *buffers;
    int error = io_uring_queue_init_params(ENTRIES, &ring, &options);
    if (!error && posix_memalign((void **)&buffers, 4096, BUFFERS * sizeof(struct io_uring_buf))) return 1;
    struct io_uring_buf_reg registration = {.ring_addr = error ? 0 : (uintptr_t)buffers, .ring_entries = BUFFERS, .bgid = GROUP};
    if (!error) error = io_uring_register_buf_ring(&ring, &registration, 0);
    if (error) { fprintf(stderr, "floor_uring: io_uring cannot be used: %s\n", strerror(-error)); return 1; }
    int mask = io_uring_buf_ring_mask(BUFFERS);
    char *memory = malloc((size_t)BUFFERS * BUFFER_BYTES);
    io_uring_buf_ring_init(buffers);
    for (int i = 0; i < BUFFERS; i++) io_uring_buf_ring_add(buffers, memory + (size_t)i * BUFFER_BYTES, BUFFER_BYTES, i, mask, i);
    io_uring_buf_ring_advance(buffers, BUFFERS);

    struct io_uring_sqe *accepting = submission(ACCEPTED, listener);
    uint64_t data = accepting->user_data;
    io_uring_prep_multishot_accept(accepting, listener, NULL, NULL, 0);
    accepting->user_data = data;
    for (;;) {
        struct io_uring_cqe *done;
        unsigned head, count = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, done) {
            int peer = (int)(uint32_t)done->user_data;
            count++;
            switch (done->user_data >> 32) {
            case ACCEPTED:
                if (done->res < 0) break;
                setsockopt(done->res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                receive(done->res);
                break;
            case RECEIVED:
                if (done->res == -ENOBUFS) { receive(peer); break; }
                if (done->res <= 0) { finish(peer); break; }
                int buffer = done->flags >> IORING_CQE_BUFFER_SHIFT;
                io_uring_buf_ring_add(buffers, memory + (size_t)buffer * BUFFER_BYTES, BUFFER_BYTES, buffer, mask, 0);
                io_uring_buf_ring_advance(buffers, 1);
                struct io_uring_sqe *sending = submission(SENT, peer);
                uint64_t to = sending->user_data;
                io_uring_prep_send(sending, peer, response, length, MSG_NOSIGNAL);
                sending->flags |= IOSQE_CQE_SKIP_SUCCESS;
                sending->user_data = to;
                if (!(done->flags & IORING_CQE_F_MORE)) receive(peer);
                break;
            }
        }
        io_uring_cq_advance(&ring, count);
    }
}
