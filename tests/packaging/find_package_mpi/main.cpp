// One rank, which mpirun did not start.
#include <slm/distributed/mpi.hpp>

#include <vector>

int main() {
  slm::MpiRanks ranks;
  std::vector<double> values(3, 1.0);
  slm::Index sum = 5;
  ranks.exchange(values, sum);
  return ranks.count() == 1 && ranks.rank() == 0 && sum == 5 && ranks.answer(true) ? 0 : 1;
}
