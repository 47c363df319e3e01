// Adam of tables, of whose rows a step sees few.
#include "flops/flops_test_support.hpp"
#include "optim_test_support.hpp"
#include "slm/optim/adam.hpp"

using namespace optim_test;

namespace {

template <Scalar Real>
struct Table {
  Parameter<Real, 2> rows;

  explicit Table(const Shape<2>& shape) : rows(shape) {
    if constexpr (std::is_floating_point_v<Real>) randomise(*this);
  }
  static void fields(auto& self, auto&& f) { f("rows", self.rows); }
};

constexpr AdamConfig by_rows = {.learning_rate = 0.1, .weight_decay = 0.5, .only_seen_rows = true};

/// Ones in some rows of the gradient.
template <Scalar Real>
void see(const Table<Real>& table, std::initializer_list<Index> rows) {
  const Index C = table.rows.value.extent(1);
  for (const Index row : rows) std::fill_n(table.rows.grad.data() + row * C, C, Real(1));
}

}  // namespace

TEST_CASE("a row that was not seen keeps its weights and moments; one that is seen may have zeros") {
  Table<double> table({4, 3});
  Adam optimizer(table, by_rows);
  see(table, {1});
  optimizer.step();
  const auto weights = as_doubles(table.rows.value);
  const auto moments = as_doubles(optimizer.moments()[0].first);
  CHECK(moments[0] == 0);
  CHECK(moments[3] != 0);
  table.rows.grad(2, 1) = 1;
  optimizer.step();
  const auto after = as_doubles(table.rows.value);
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i);
    CHECK((after[i] == weights[i]) == (i / 3 != 2));  // the whole row decays
  }
  CHECK(as_doubles(optimizer.moments()[0].first)[3] == moments[3]);
  CHECK(gradients_are_clear(table));
}

TEST_CASE("where all rows are seen and epsilon does not show it is Adam") {
  Table<double> table({40, 3}), expected({40, 3});
  AdamConfig config = {.learning_rate = 0.1, .epsilon = 1e-300, .weight_decay = 0.5};
  Adam whole(expected, config);
  config.only_seen_rows = true;
  Adam optimizer(table, config);
  for (int step = 0; step < 3; ++step) {
    draw_gradients(table, step), draw_gradients(expected, step);
    optimizer.step(), whole.step();
  }
  CHECK(relative_error(weights_of(table), weights_of(expected)) <= 1e-14);
}

TEST_CASE("only seen rows are paid for, beside a look at every gradient") {
  using Number = flops::Counted<double>;
  const slm_test::Threads one_thread(1);
  Table<Number> table({6, 5});
  Adam optimizer(table, by_rows);
  CHECK(optimizer.step_cost() == adam_rows_step_cost(30, 30));
  const auto check = [&](std::initializer_list<Index> rows) {
    see(table, rows);
    flops::reset_tally();
    optimizer.step();
    const Cost counted = flops::tally().cost();
    CHECK(counted == optimizer.step_cost());
    CHECK(counted == adam_rows_step_cost(30, 5 * static_cast<Index>(rows.size())));
  };
  check({0, 3, 5});
  check({2});
  check({});
  freeze(table);
  optimizer.step();
  CHECK(optimizer.step_cost() == Cost());
}

TEST_CASE("rows are stepped with the same bits at 1, 2 and 3 threads, whatever their length") {
  for (const Shape<2>& shape : {Shape<2>{7001, 5}, {3, 3 * update_block}, {0, 4}, {5, 0}}) {
    CAPTURE(shape[0]);
    const auto trained = [&](int thread_count) {
      const Threads scope(thread_count);
      Table<float> table(shape);
      Adam optimizer(table, by_rows);
      for (int step = 0; step < 2; ++step) {
        draw_gradients(table, step);
        for (Index row = step; row < shape[0]; row += 2) {
          std::fill_n(table.rows.grad.data() + row * shape[1], shape[1], 0.0F);
        }
        optimizer.step();
      }
      CHECK(optimizer.step_cost() ==
            adam_rows_step_cost(shape[0] * shape[1], shape[0] / 2 * shape[1] + shape[0] % 2 * shape[1]));
      return weights_of(table);
    };
    const auto one = trained(1);
    CHECK(same_bits(trained(2), one));
    CHECK(same_bits(trained(3), one));
  }
}

TEST_CASE("a vector has no rows that could be seen") {
  Pair<float> model(2, 3);
  CHECK(message_of<ConfigError>([&] { Adam(model, by_rows); }) ==
        "Adam: only_seen_rows needs tables of two axes or more, got 'first' of shape (2)");
}
