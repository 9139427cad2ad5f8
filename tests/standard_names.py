"""Which header of the C++ standard library has which name of std. Not all of it: what sources here use."""

NAMES_BY_HEADER = {
    "algorithm":
        "adjacent_find all_of any_of binary_search clamp copy_if copy_n count count_if equal_range fill "
        "find find_end find_if find_if_not for_each generate is_sorted lexicographical_compare "
        "lower_bound max max_element min min_element mismatch none_of nth_element partial_sort partition "
        "remove_copy_if remove_if replace reverse rotate search sort stable_partition stable_sort "
        "transform unique upper_bound",
    "array": "array to_array",
    "atomic": "atomic atomic_flag",
    "bit": "bit_cast bit_width countr_zero endian popcount",
    "charconv": "from_chars to_chars",
    "chrono": "chrono",
    "cmath": "ceil floor fmod isfinite isnan llround log2 lround pow round sqrt",
    "condition_variable": "condition_variable",
    "deque": "deque",
    "exception": "current_exception exception exception_ptr rethrow_exception",
    "filesystem": "filesystem",
    "fstream": "fstream ifstream ofstream",
    "functional": "bind cref function greater hash less ref",
    "future": "async future packaged_task promise",
    "initializer_list": "initializer_list",
    "iomanip": "quoted setfill setprecision setw",
    "iostream": "cerr cin cout",
    "iterator": "back_inserter distance inserter istreambuf_iterator make_move_iterator next prev ssize",
    "limits": "numeric_limits",
    "list": "list",
    "map": "map multimap",
    "memory": "default_delete enable_shared_from_this make_shared make_unique shared_ptr unique_ptr weak_ptr",
    "mutex": "call_once lock_guard mutex once_flag scoped_lock unique_lock",
    "numeric": "accumulate gcd iota reduce",
    "optional": "make_optional nullopt nullopt_t optional",
    "queue": "priority_queue queue",
    "random": "mt19937 mt19937_64 random_device uniform_int_distribution uniform_real_distribution",
    "regex": "cmatch regex regex_match regex_replace regex_search smatch sregex_iterator",
    "set": "multiset set",
    "shared_mutex": "shared_lock shared_mutex",
    "span": "as_bytes span",
    "sstream": "istringstream ostringstream stringstream",
    "stdexcept": "invalid_argument logic_error out_of_range runtime_error",
    "string": "getline stod stoi stol stoll string to_string",
    "string_view": "string_view",
    "thread": "jthread this_thread thread",
    "tuple": "forward_as_tuple make_tuple tie tuple",
    "type_traits":
        "conditional_t decay_t enable_if_t is_base_of_v is_integral_v is_same_v remove_cvref_t "
        "underlying_type_t",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "utility": "as_const exchange forward in_place_type index_sequence make_pair move pair swap",
    "variant": "get_if holds_alternative monostate variant variant_size_v visit",
    "vector": "vector",
}
HEADER_OF = {name: header for header, names in NAMES_BY_HEADER.items() for name in names.split()}

# What the precompiled header holds of libraries: their namespaces, and the header or folder of headers that has them.
HEADERS_OF_LIBRARIES = {"caf": "caf/", "nlohmann": "nlohmann/json.hpp"}
