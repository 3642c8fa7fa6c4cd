; Runs the tests of sdwhy.clj, then its rules over scenarios that are read from stdin, as
; [[name [event ...]] ...], and prints who is given what.
(load-file "sdwhy.clj")
(require '[clojure.edn :as edn] '[clojure.test :as test] '[riemann.test :refer [feed]] '[riemann.time :refer [reset-time! unix-time]])

(let [{:keys [test fail error]} (test/run-tests 'sdwhy.rules-test)]
  (when (or (zero? test) (pos? (+ fail error)))
    (System/exit 1)))

(println "---")
(doseq [[name events] (edn/read *in*)]
  (reset-time!)
  (let [to (fn [stream] #(println name stream (:rule %) (:unit %)))
        streams [(sdwhy.rules/alerts {:page (to "page") :resolve (to "resolve") :tell (to "tell")})]]
    (feed streams events)
    (feed streams [{:time (+ 100 (unix-time))}])))
