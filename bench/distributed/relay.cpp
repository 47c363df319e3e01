// Passes frames between pairs of network interfaces, each a given time after it came: a link with a latency,
// for kernels without netem.
//
//   relay SECONDS A B [A B]…
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& call) {
  throw std::system_error(errno, std::generic_category(), "relay: " + call);
}

/// Frames of one interface, with the header that says which of the kernel's work on them is still to do: they
/// may be longer than the network's and without a checksum.
class Port {
 public:
  explicit Port(const char* name) : socket_(::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) {
    if (socket_ < 0) fail("socket");
    const int yes = 1, bytes = 64 << 20;
    set(SOL_PACKET, PACKET_VNET_HDR, yes);
    set(SOL_PACKET, PACKET_IGNORE_OUTGOING, yes);
    set(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    set(SOL_SOCKET, SO_SNDBUFFORCE, bytes);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    if (address.sll_ifindex == 0) fail(std::string("no interface ") + name);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  }

  int number() const { return socket_; }

  /// The next frame, empty where there is none yet.
  std::vector<char> receive() {
    const ssize_t size = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN) fail("recv");
    return {buffer_.data(), buffer_.data() + (size < 0 ? 0 : size)};
  }
  /// A frame that cannot be sent is lost, as on a network.
  void send(const std::vector<char>& frame) {
    [[maybe_unused]] const ssize_t sent = ::send(socket_, frame.data(), frame.size(), 0);
  }

 private:
  void set(int level, int option, int value) {
    if (::setsockopt(socket_, level, option, &value, sizeof value) != 0) fail("setsockopt");
  }

  int socket_;
  std::array<char, (1 << 16) + 256> buffer_;
};

struct Waiting {
  Clock::time_point due;
  std::size_t to;
  std::vector<char> frame;
};

void relay(const std::vector<std::string>& names, Clock::duration latency) {
  std::deque<Port> ports;
  std::vector<pollfd> polled;
  for (const std::string& name : names) {
    ports.emplace_back(name.c_str());
    polled.push_back({ports.back().number(), POLLIN, 0});
  }
  std::puts("ready");
  std::fflush(stdout);
  std::deque<Waiting> waiting;  // all wait for the same time: the first is due first
  for (;;) {
    timespec until{1, 0};
    if (!waiting.empty()) {
      const auto left = std::max(waiting.front().due - Clock::now(), Clock::duration::zero());
      until = {0, static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(left).count())};
    }
    if (::ppoll(polled.data(), polled.size(), &until, nullptr) < 0 && errno != EINTR) fail("ppoll");
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if ((polled[i].revents & POLLIN) == 0) continue;
      for (auto frame = ports[i].receive(); !frame.empty(); frame = ports[i].receive()) {
        waiting.push_back({Clock::now() + latency, i ^ 1, std::move(frame)});
      }
    }
    for (; !waiting.empty() && waiting.front().due <= Clock::now(); waiting.pop_front()) {
      ports[waiting.front().to].send(waiting.front().frame);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 4 || argc % 2 != 0) throw std::runtime_error("usage: relay SECONDS A B [A B]…");
    const std::chrono::duration<double> latency(std::atof(argv[1]));
    relay({argv + 2, argv + argc}, std::chrono::duration_cast<Clock::duration>(latency));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
