# cmake -DOBJCOPY=… -DOBJDUMP=… -DLEVELS=… -DOBJECTS=… -DOUTPUT=… -P name_levels.cmake
# Copies the objects that compiled.cpp became, one a level, to OUTPUT/<level>.o, where every function that others could
# call has the level behind its name: none of a program's own is ever replaced by one for another processor. Constants
# that point to functions (tables of virtual ones above all) belong to a level, too, but those of the first one, which
# every processor has, are there for programs as well; other data, such as the number of threads, is one for all.
# OUTPUT/entries.inc lists what a program calls: slm's functions that all levels have.
cmake_minimum_required(VERSION 3.20)

list(GET LEVELS 0 first)
foreach(level object IN ZIP_LISTS LEVELS OBJECTS)
  set(dump ${OUTPUT}/${level}.txt)
  execute_process(COMMAND ${OBJDUMP} --section-headers --syms --reloc ${object} OUTPUT_FILE ${dump}
    COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${dump} initializers REGEX "^ +[0-9]+ \\.(init_array|preinit_array|ctors)")
  if(initializers)
    message(FATAL_ERROR "slm: ${object} has initializers, which would run on any processor:\n${initializers}")
  endif()

  # Address, flags, section, size, perhaps the visibility, name. The symbol of a group of sections is local, but its
  # name decides which of several objects' groups are linked.
  set(line "^[0-9a-f]+ ....... ([^ \t]+)\t[0-9a-f]+ (.* )?([^ ]+)$")
  set(names)
  set(functions)
  file(STRINGS ${dump} symbols REGEX "^[0-9a-f]+ ([^l]...... \\.(text|data)|....... \\.group)")
  foreach(symbol IN LISTS symbols)
    string(REGEX REPLACE "${line}" "\\1;\\3" symbol "${symbol}")
    list(POP_FRONT symbol section)
    if(section MATCHES "^\\.data")
      set(data_of_${section} ${symbol})
      continue()
    elseif(section MATCHES "^\\.text")
      list(APPEND functions ${symbol})
    endif()
    list(APPEND names ${symbol})
  endforeach()

  set(section)
  file(STRINGS ${dump} relocations REGEX "^RELOCATION RECORDS FOR|^[0-9a-f]+ R_X86_64_64 ")
  foreach(relocation IN LISTS relocations)
    if(relocation MATCHES "^RELOCATION RECORDS FOR .(.*).:$")
      set(section ${CMAKE_MATCH_1})
    elseif(DEFINED data_of_${section})
      string(REGEX REPLACE "^[^ ]+ +[^ ]+ +([^ +-]+).*" "\\1" target "${relocation}")
      if(target MATCHES "^\\.text" OR target IN_LIST functions)
        if(NOT section MATCHES "^\\.data\\.rel\\.ro")
          message(FATAL_ERROR "slm: ${object} keeps a pointer to ${target} in ${section}, which all levels share")
        elseif(NOT level STREQUAL first)
          list(APPEND names ${data_of_${section}})
        endif()
      endif()
    endif()
  endforeach()
  list(REMOVE_DUPLICATES names)

  list(TRANSFORM names REPLACE ".+" "\\0 \\0.${level}")
  list(JOIN names "\n" names)
  file(WRITE ${OUTPUT}/${level}.names "${names}\n")
  execute_process(COMMAND ${OBJCOPY} --redefine-syms=${OUTPUT}/${level}.names ${object} ${OUTPUT}/${level}.o
    COMMAND_ERROR_IS_FATAL ANY)

  list(FILTER functions INCLUDE REGEX "^_ZNK?3slm")
  if(DEFINED entries)
    set(others ${entries})
    list(REMOVE_ITEM others "" ${functions})
    list(REMOVE_ITEM entries "" ${others})
  else()
    set(entries ${functions})
  endif()
endforeach()

if(NOT entries)
  message(FATAL_ERROR "slm: ${OBJDUMP} shows no functions that all levels have")
endif()
list(TRANSFORM entries REPLACE ".+" "SLM_ENTRY(\\0)\n")
list(JOIN entries "" entries)
file(WRITE ${OUTPUT}/entries.inc "${entries}")
