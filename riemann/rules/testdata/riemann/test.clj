; A stand-in for Riemann's namespace of this name, with what sdwhy.clj uses of it.
(ns riemann.test
  (:require [clojure.test :as test]
            [riemann.time :refer [advance! reset-time!]]))

(defn feed
  "Gives each event to all streams, at the event's time."
  [streams events]
  (doseq [event events]
    (when-let [t (:time event)] (advance! t))
    (doseq [stream streams] (stream event))))

(def inject! feed)

(defmacro deftest [name & body]
  `(test/deftest ~name (reset-time!) ~@body))

(defmacro run-stream
  "What a stream passes of these events."
  [[stream & arguments] events]
  `(let [passed# (atom [])]
     (reset-time!)
     (feed [(~stream ~@arguments #(swap! passed# conj %))] ~events)
     @passed#))

(defmacro tests
  "Puts the tests into a namespace of their own, as Riemann does."
  [& body]
  (let [rules (ns-name *ns*)]
    `(do (ns ~(symbol (str rules "-test"))
           ~'(:require [riemann.test :refer [deftest run-stream inject!]]
                       [clojure.test :refer [is are]]))
         ~@body
         (ns ~rules))))
